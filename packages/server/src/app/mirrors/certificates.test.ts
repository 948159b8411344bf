import assert from "node:assert/strict";
import { test } from "node:test";
import { makeAuthority } from "../../../../../test/support/certificates.ts";
import { makeTempDir } from "../../../../../test/support/repositories.ts";
import { readCertificates } from "./certificates.ts";

test("a mirror takes so many certificates, and no whole system's", async (t) => {
  const authority = await makeAuthority(await makeTempDir(t));
  const own = await authority.issue("mirror");
  const readBundle = (count: number) =>
    readCertificates({ caCertificates: authority.certificate.repeat(count) }, null).caCertificates;
  const readChain = (count: number) => {
    const clientCertificate = own.certificate + authority.certificate.repeat(count);
    return readCertificates({ clientCertificate, clientKey: own.key }, null).clientCertificate;
  };
  assert.equal(readBundle(25), authority.certificate.repeat(25));
  assert.equal(readChain(24)?.certificate, own.certificate + authority.certificate.repeat(24));
  const complaint = "holds too many certificates (maximum is 25)";
  assert.throws(() => readBundle(26), { fields: { ca_certificates: [complaint] } });
  assert.throws(() => readChain(25), { fields: { client_certificate: [complaint] } });
  const long = `${"words ".repeat(11_000)}${authority.certificate}`;
  assert.throws(() => readCertificates({ caCertificates: long }, null), {
    fields: { ca_certificates: ["is too long (maximum is 64000 characters)"] },
  });
});
