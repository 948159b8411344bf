import { copyFile, stat, truncate } from "node:fs/promises";

/**
 * Moves a log that has grown beyond `maxBytes` to `<path>.1` and empties it in place: the database goes on writing
 * to the same file, at its new end since it was opened for appending. What is written between copy and cut is lost.
 */
export async function keepLogSmall(path: string, maxBytes: number): Promise<void> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size <= maxBytes) return;
  // With a full disk there is no copy; the log is cut all the more.
  await copyFile(path, `${path}.1`).catch(() => {});
  await truncate(path);
}
