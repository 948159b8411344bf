/** What the page knows of the server. `unreachable` is the page's own finding: no answer at all. */
export type Readiness = "checking" | "ready" | "not-ready" | "unreachable";

/** One word and one sentence for a state; the sentence says what it means and what happens next. */
export interface ReadinessWords {
  readonly word: string;
  readonly sentence: string;
}

/** How often the page asks again, in milliseconds: a state that a person watches, not a monitor. */
export const READINESS_INTERVAL_MS = 5000;

/** The readiness that an answer of `GET /-/readiness` means; null is no answer. */
export function readinessOf(status: number | null): Readiness {
  if (status === null) return "unreachable";
  return status === 200 ? "ready" : "not-ready";
}

/** The words for a readiness. */
export function describeReadiness(readiness: Readiness): ReadinessWords {
  switch (readiness) {
    case "checking":
      return { word: "Checking", sentence: "Asking the server whether it is ready." };
    case "ready":
      return { word: "Ready", sentence: "The server is ready: database, queue and repositories work." };
    case "not-ready":
      return {
        word: "Not ready",
        sentence:
          "The server runs but cannot work yet. Nothing is lost; its log says what is missing. This page asks again every 5 seconds.",
      };
    case "unreachable":
      return {
        word: "No answer",
        sentence: "The server does not answer. Is it still running? This page asks again every 5 seconds.",
      };
  }
}

/** Asks the server once. Never rejects: no answer within the interval is an answer too. */
export async function askReadiness(): Promise<Readiness> {
  try {
    const response = await fetch("/-/readiness", {
      cache: "no-store",
      signal: AbortSignal.timeout(READINESS_INTERVAL_MS),
    });
    return readinessOf(response.status);
  } catch {
    return readinessOf(null);
  }
}
