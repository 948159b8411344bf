/** Whether a message of PostgreSQL or of the system says that the disk, or our share of it, is full. */
export function isDiskFull(message: string): boolean {
  return /no space left on device|disk quota exceeded|ENOSPC|EDQUOT/i.test(message);
}
