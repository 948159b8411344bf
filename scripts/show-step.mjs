/**
 * Shows one long step on standard error (standard output stays the program's own): a line that ends with the time it
 * took, counting seconds meanwhile on a terminal.
 *
 * @template T
 * @param {string} what such as "installing packages"
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function showStep(what, work) {
  const started = Date.now();
  const terminal = process.stderr.isTTY;
  const seconds = () => `${Math.round((Date.now() - started) / 1000)} s`;
  process.stderr.write(`Heliostat: ${what} …`);
  const ticking = terminal
    ? setInterval(() => process.stderr.write(`\rHeliostat: ${what} … ${seconds()}`), 1000)
    : undefined;
  try {
    const result = await work();
    process.stderr.write(
      terminal ? `\rHeliostat: ${what} … done in ${seconds()}\n` : ` done in ${seconds()}\n`,
    );
    return result;
  } catch (error) {
    process.stderr.write("\n");
    throw error;
  } finally {
    clearInterval(ticking);
  }
}
