/** A reason why Heliostat cannot be started that the person at the terminal can do something about. */
export class LaunchFailure extends Error {
  /** @param {string} message what is wrong and what to do @param {number} [exitCode] */
  constructor(message, exitCode = 1) {
    super(message);
    this.name = "LaunchFailure";
    this.exitCode = exitCode;
  }
}

/** Ends the process as a signal would have: the usual 128 + number, so that a shell can tell. */
export class LaunchInterrupted extends LaunchFailure {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`stopped by ${signal}`, signal === "SIGINT" ? 130 : 143);
    this.name = "LaunchInterrupted";
  }
}
