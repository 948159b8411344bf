const ASCII = /^\p{ASCII}*$/u;
/**
 * What an international name may be made of: letters, digits and marks of any script, what joins them, and the dots
 * that browsers take for a dot. Signs are left out: some (`℀`, `／`) become a slash or more on the way to ASCII.
 */
const INTERNATIONAL =
  /^(?:[\p{L}\p{N}\p{M}\u00b7\u0375\u05f3\u05f4\u30fb._\u3002\uff0e\uff61-]|\u200c|\u200d)+$/u;
const NAME = /^[a-z0-9](?:[a-z0-9_-]|\.(?!\.))*$/i;
/** Parsers take such a name for an IPv4 address, in whatever way it is written: `127.1`, `0x7f.1`, `2130706433`. */
const ENDS_LIKE_A_NUMBER = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$/i;

/**
 * A host name in ASCII: an international one in its `xn--` form, made as browsers make it; ASCII stays as it is. Null
 * when there is none.
 *
 * The attack: `１２７。０。０。１` becomes `127.0.0.1` by the same rules. So what turns into an address is refused; what
 * turns into another name is that name, and is checked as such.
 */
export function toAsciiHost(host: string): string | null {
  if (ASCII.test(host)) return host;
  if (!INTERNATIONAL.test(host) || !URL.canParse(`http://${host}/`)) return null;
  const ascii = new URL(`http://${host}/`).hostname;
  return isHostName(ascii) ? ascii : null;
}

/** Whether this is a name of letters, digits, `-`, `_` and dots: no address, and never an option of a program. */
export function isHostName(host: string): boolean {
  return NAME.test(host) && !ENDS_LIKE_A_NUMBER.test(host) && URL.canParse(`http://${host}/`);
}

/** Whether this is an IPv4 address in the one way that all parsers read alike: four decimal numbers. */
export function isIpv4Address(text: string): boolean {
  const parts = text.split(".");
  return (
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)
  );
}

/** Whether this is an IPv6 address, without brackets and without a zone. */
export function isIpv6Address(text: string): boolean {
  return /^[0-9a-f:.]+$/i.test(text) && text.includes(":") && URL.canParse(`http://[${text}]/`);
}

/** `example.com.` and `example.com` are one name. */
export function withoutFinalDot(host: string): string {
  return host.replace(/\.$/, "");
}
