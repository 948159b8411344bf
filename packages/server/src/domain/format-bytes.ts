const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** As git writes it: `280 bytes`, `1.20 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(2)} ${UNITS[unit] ?? ""}`;
}
