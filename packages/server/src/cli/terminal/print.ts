/** Prints an answer of the API as it is. */
export function printJson(value: unknown): void {
  console.log(JSON.stringify(value, null, 2));
}

/** Prints the API's answer for scripts (`--json`), or what a person reads of it. */
export function printAnswer(flags: { readonly json?: boolean }, answer: unknown, text: () => string): void {
  if (flags.json) printJson(answer);
  else console.log(text());
}
