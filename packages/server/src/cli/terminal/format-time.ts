/** A time of the API, in the zone of whoever reads it: `2027-01-31 14:05`; `-` when there is none. */
export function formatTime(time: string | null): string {
  if (time === null) return "-";
  const at = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
