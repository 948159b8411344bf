import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type Authority,
  type Identity,
  makeAuthority,
  openssl,
} from "../../../../test/support/certificates.ts";
import { makeTempDir } from "../../../../test/support/repositories.ts";
import {
  describeCertificates,
  parseCertificates,
  parseClientCertificate,
  UnfitClientCertificate,
} from "./certificates.ts";

const cleanups: (() => Promise<void>)[] = [];
let dir = "";
let authority: Authority;
let client: Identity;
let other: Identity;

before(async () => {
  dir = await makeTempDir({ after: (clean) => cleanups.push(clean) });
  authority = await makeAuthority(dir);
  client = await authority.issue("mirror");
  other = await authority.issue("other");
});
after(async () => {
  for (const clean of cleanups) await clean();
});

test("certificates are read out of a text, and told with what people know them by", () => {
  const text = `the root:\n${authority.certificate.replaceAll("\n", "\r\n")}\nand one of it\n${client.certificate}`;
  const [root, own, ...rest] = parseCertificates(text);
  assert.equal(rest.length, 0);
  assert.equal(root?.subject, "CN=Heliostat test root");
  assert.equal(own?.subject, "CN=mirror");
  assert.equal(own?.issuer, "CN=Heliostat test root");
  assert.match(own?.fingerprintSha256 ?? "", /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.equal(root?.pem, authority.certificate);
  const days = ((own?.notAfter.getTime() ?? 0) - Date.now()) / 86_400_000;
  assert.ok(days > 29 && days <= 30, String(days));
});

test("a text is described once, and forgotten when many others were asked for since", () => {
  const text = authority.certificate + client.certificate;
  const first = describeCertificates(text);
  assert.deepEqual(
    first.map(({ subject }) => subject),
    ["CN=Heliostat test root", "CN=mirror"],
  );
  assert.equal("pem" in Object(first[0]), false);
  const askForOthers = (count: number) => {
    for (let i = 0; i < count; i += 1) describeCertificates(`other ${i}\n${authority.certificate}`);
  };
  askForOthers(499);
  assert.equal(describeCertificates(text), first);
  askForOthers(499);
  assert.equal(describeCertificates(text), first);
  askForOthers(500);
  assert.notEqual(describeCertificates(text), first);
  assert.deepEqual(describeCertificates(text), first);
});

test("what is no certificate is refused in words", () => {
  const cut = authority.certificate.slice(0, 200);
  const damaged = authority.certificate.replace(/\n[^\n]{20}/, `\n${"A".repeat(20)}`);
  assert.throws(() => parseCertificates("hello"), /^Error: holds no certificate: paste the text from/);
  assert.throws(() => parseCertificates(client.certificate + client.key), /holds a private key/);
  assert.throws(() => parseCertificates(authority.certificate + cut), /cut off/);
  assert.throws(() => parseCertificates(client.certificate + damaged), /certificate 2 of 2 is damaged/);
  assert.throws(
    () => parseCertificates("-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----"),
    /other than certificates \(X509 CRL\)/,
  );
});

test("a client certificate and its key fit together", async () => {
  const parsed = parseClientCertificate(client.certificate + authority.certificate, client.key);
  assert.equal(parsed.certificate, client.certificate + authority.certificate);
  assert.equal(parsed.privateKey, client.key);
  const complaint = (certificate: string, key: string): [string, string] => {
    try {
      parseClientCertificate(certificate, key);
    } catch (error) {
      assert.ok(error instanceof UnfitClientCertificate, String(error));
      return [error.of, error.message];
    }
    throw new assert.AssertionError({ message: "nothing was refused" });
  };
  assert.match(complaint(client.certificate, other.key).join(" "), /^key does not belong to the certificate/);
  assert.match(complaint("nothing", client.key).join(" "), /^certificate holds no certificate/);
  assert.match(complaint(client.certificate, "nothing").join(" "), /^key is no private key in PEM form/);
  assert.match(
    complaint(client.certificate, client.certificate).join(" "),
    /^key is no private key in PEM form/,
  );

  await writeFile(join(dir, "client.key"), client.key);
  const pass = ["-passout", "pass:planted"];
  const pkcs8 = await openssl(dir, ["pkcs8", "-topk8", "-in", "client.key", ...pass]);
  assert.match(complaint(client.certificate, pkcs8).join(" "), /^key is encrypted: take its passphrase away/);
  const old = await openssl(dir, ["ec", "-in", "client.key", "-aes128", ...pass]);
  assert.match(complaint(client.certificate, old).join(" "), /^key is encrypted/);
});
