import type { MirrorDirection } from "@heliostat/contract";
import { connectionAdvice } from "../../domain/connection-advice.ts";
import { asHeliostatError, HeliostatError } from "../../domain/errors.ts";
import { wasReached } from "../../domain/host-breaker.ts";
import { schemeOf } from "../../domain/remote-url.ts";
import { fingerprintSha256 } from "../../domain/ssh-public-key.ts";
import type { Ports, RemoteAccess } from "../ports.ts";
import { hideInError } from "../updates/hide-in-error.ts";
import type { OpenedRemote } from "../updates/open-remote.ts";
import type { ConnectionReport } from "./connection-test-use-cases.ts";

/** The longest that one test may take, whatever the remote does. */
const LIMIT_MS = 15_000;

/**
 * Looks what can be done at a remote: lists its refs, and for a push sends an empty one, which changes nothing. Never
 * throws for what the remote does. Why a destination is refused is not told: it would say what is in our own network.
 */
export async function probeRemote(
  ports: Pick<Ports, "clock" | "log" | "remotes">,
  direction: MirrorDirection,
  open: (signal: AbortSignal) => Promise<OpenedRemote>,
): Promise<ConnectionReport> {
  const started = ports.clock.now();
  const limit = new AbortController();
  const timer = ports.clock.after(LIMIT_MS, () => limit.abort());
  let report: Omit<ConnectionReport, "durationMs"> = NOTHING_KNOWN;
  let hideSecrets = (text: string) => text;
  /** Adds what was found out by this step; answers whether the next one makes sense. */
  const step = async (work: () => Promise<Partial<ConnectionReport>>, onError: Partial<ConnectionReport>) => {
    try {
      report = { ...report, ...(await work()), isReachable: true };
    } catch (error) {
      const trouble = report.trouble ?? troubleOf(error, limit.signal, hideSecrets);
      report = { ...report, ...onError, trouble };
      report = { ...report, isReachable: report.isReachable || wasReached(trouble.code) };
      const known = asHeliostatError(error);
      if (known.kind === "bug")
        ports.log.error(
          { err: hideInError(known, hideSecrets) },
          "a test of a connection failed by our own fault",
        );
    }
  };
  try {
    const opened = await open(limit.signal).catch((error: unknown) => {
      report = { ...report, trouble: troubleOf(unexplained(error), limit.signal, hideSecrets) };
      return null;
    });
    if (opened) {
      const { remote } = opened;
      hideSecrets = opened.hideSecrets;
      const options = { signal: limit.signal };
      if (schemeOf(remote.url) === "ssh") {
        // Without host keys nothing else works, and this is what a person compares.
        const hostKeys = await scan(ports, remote, limit.signal);
        report = { ...report, hostKeys, isReachable: hostKeys.length > 0 };
      }
      await step(async () => {
        const { refs, head, objectFormat } = await ports.remotes.listRefs(remote, options);
        const defaultBranch = head?.replace(/^refs\/heads\//, "") ?? null;
        return { canList: true, refsCount: refs.size, defaultBranch, objectFormat };
      }, {});
      if (direction === "push" && report.isReachable) {
        await step(
          async () => {
            await ports.remotes.probePush(remote, options);
            return { canPush: true };
          },
          { canPush: false },
        );
      }
    }
  } finally {
    timer.cancel();
  }
  return { ...report, durationMs: ports.clock.now().getTime() - started.getTime() };
}

const NOTHING_KNOWN = {
  ...{ isReachable: false, canList: false, refsCount: null, defaultBranch: null, objectFormat: null },
  ...{ canPush: null, trouble: null, hostKeys: [] },
} as const;

async function scan(
  { remotes }: Pick<Ports, "remotes">,
  remote: RemoteAccess,
  signal: AbortSignal,
): Promise<ConnectionReport["hostKeys"]> {
  // What stands in the way of it, the listing meets too, and says.
  const keys = await remotes.scanHostKeys(remote, signal).catch(() => []);
  return keys.map(({ algorithm, key }) => ({
    algorithm,
    fingerprint: fingerprintSha256(key),
  }));
}

/** Whether a name is unknown, or known and leads into our own network, is the same to whoever asks. */
function unexplained(error: unknown): unknown {
  const { code } = asHeliostatError(error);
  if (code !== "url-blocked" && code !== "remote-unreachable") return error;
  return new HeliostatError(
    "url-blocked",
    "This URL cannot be used: its host is not known, or the settings of this instance do not allow it.",
  );
}

function troubleOf(
  error: unknown,
  limit: AbortSignal,
  hideSecrets: (text: string) => string,
): NonNullable<ConnectionReport["trouble"]> {
  const known = asHeliostatError(error);
  if (limit.aborted) {
    const message = `The remote did not answer within ${LIMIT_MS / 1000} s.`;
    return { code: "remote-timeout", message, fix: connectionAdvice("remote-timeout") };
  }
  if (known.kind === "bug") return { code: "bug", message: "The test failed by our own fault.", fix: null };
  return { code: known.code, message: hideSecrets(known.message), fix: connectionAdvice(known.code) };
}
