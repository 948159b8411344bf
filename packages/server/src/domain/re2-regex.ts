import { RE2JS, RE2JSSyntaxException } from "re2js";
import { HeliostatError } from "./errors.ts";

const MAX_LENGTH = 255;

/** An RE2 regex, which takes linear time whatever it says; `parameter-invalid`, in GitLab's words, for a bad one. */
export function compileRegex(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    if (!(error instanceof RE2JSSyntaxException)) throw error;
    const reason = [error.getDescription(), error.getPattern()].filter(Boolean).join(": ");
    throw new HeliostatError("parameter-invalid", `not valid RE2 syntax: ${reason}`, { cause: error });
  }
}

/** GitLab's messages on what is wrong with a regex of a mirror; none means that it may be used. */
export function validateRegex(source: string): readonly string[] {
  const messages: string[] = [];
  // Characters, not UTF-16 units: that is what GitLab counts.
  if (Array.from(source).length > MAX_LENGTH) {
    messages.push(`is too long (maximum is ${MAX_LENGTH} characters)`);
  }
  try {
    compileRegex(source);
  } catch (error) {
    if (!(error instanceof HeliostatError)) throw error;
    messages.push(error.message);
  }
  return messages;
}
