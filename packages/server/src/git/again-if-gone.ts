/** Far more often than others can get in between. */
const TRIES = 100;

/**
 * Does the work, and again when it fails for want of a file or directory (ENOENT): others may take an empty directory
 * away between its making and its use. Throws the error of the last try, and every other error at once.
 */
export async function againIfGone<T>(work: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (!isGone(error) || left === 0) throw error;
    }
  }
}

/** Whether a call of the file system failed because something was not there. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
