import type { MailOutbox, MailSender, Ports, Timer, WaitingMail } from "../app/ports.ts";
import { isStale, nextMailAttempt } from "../domain/mail-retry.ts";

/** However quiet it is, the database is asked this often: another node may have left work, or a mail is due again. */
const SWEEP_MS = 15_000;

/** Mails at the same time. A mail server that hangs takes these and no others. */
const AT_ONCE = 5;

/** Longer than any try takes: after this a mail is that of a node that died, and another one sends it. */
const CLAIM_MS = 5 * 60_000;

const CLEAN_EVERY_MS = 3600_000;
/** What was sent and what was given up can be looked up in the database for so long. */
const KEEP_MS = 30 * 24 * 3600_000;

export interface Mailer {
  /** There may be something to send: it looks now. */
  wake(): void;
  /** Starts no more; lets what is being sent finish for `graceMs`, then ends it. What was not sent stays for later. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Sends the mails of the outbox. A mail that fails is tried again for a day; the log says when it is given up. In
 * Silent Mode nothing is sent: what waits then is sent afterwards, unless it is more than a day old by that time.
 * (GitLab drops it. What waits here was put in before Silent Mode began, is few, and is worth knowing.)
 */
export function startMailer(
  ports: Pick<Ports, "clock" | "log" | "settings"> & {
    readonly mails: MailOutbox;
    readonly sender: MailSender;
  },
): Mailer {
  const { clock, log, mails, sender, settings } = ports;
  const ending = new AbortController();
  let hasStopped = false;
  let timer: Timer | null = null;
  let pass: Promise<void> = Promise.resolve();
  let isPassing = false;
  let isWanted = false;
  let cleanAt = 0;

  function wake(): void {
    isWanted = true;
    if (isPassing || hasStopped) return;
    timer?.cancel();
    isPassing = true;
    pass = runPass();
  }

  async function runPass(): Promise<void> {
    while (isWanted && !hasStopped) {
      isWanted = false;
      try {
        if (await sendDue()) isWanted = true;
        await cleanNowAndThen();
      } catch (error) {
        log.warn({ err: error }, "the outbox could not be read; it is looked at again");
      }
    }
    isPassing = false;
    if (!hasStopped) timer = clock.after(SWEEP_MS, wake);
  }

  /** True when there may be more. */
  async function sendDue(): Promise<boolean> {
    if ((await settings.read()).silentModeEnabled) return false;
    const now = clock.now();
    const due = await mails.claimDue(now, new Date(now.getTime() + CLAIM_MS), AT_ONCE);
    await Promise.all(due.map(deliver));
    return due.length === AT_ONCE;
  }

  async function deliver(mail: WaitingMail): Promise<void> {
    const mailId = mail.id;
    if (isStale(mail, clock.now())) {
      await mails.recordFailure(mailId, "It was not sent within a day.", null);
      log.warn({ mailId }, "a mail was given up: it is more than a day old");
      return;
    }
    const delivery = await sender.send(mail, ending.signal);
    if (delivery.kind === "sent") {
      await mails.recordSent(mailId, clock.now());
      log.info({ mailId }, "mail sent");
      return;
    }
    const { reason, isFinal } = delivery;
    const now = clock.now();
    // Our own doing does not count: whoever comes next tries at once.
    const next = ending.signal.aborted
      ? now
      : isFinal
        ? null
        : nextMailAttempt({ createdAt: mail.createdAt, attempts: mail.attempts + 1 }, now);
    await mails.recordFailure(mailId, reason, next);
    log.warn(
      { mailId, reason, nextAttemptAt: next },
      next === null ? "a mail was given up" : "a mail could not be sent; it is tried again",
    );
  }

  async function cleanNowAndThen(): Promise<void> {
    const now = clock.now().getTime();
    if (now < cleanAt) return;
    cleanAt = now + CLEAN_EVERY_MS;
    await mails.removeOld(new Date(now - KEEP_MS));
  }

  wake();
  return {
    wake,
    async stop(graceMs) {
      hasStopped = true;
      timer?.cancel();
      const late = setTimeout(() => ending.abort(), graceMs);
      await pass;
      clearTimeout(late);
    },
  };
}
