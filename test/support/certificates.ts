import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const runFile = promisify(execFile);

/** A certificate and its key, both in PEM form; the certificates that lead to the root stand behind the first one. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  /** `DNS:git.example.com,IP:127.0.0.1`; of a client's certificate none. */
  readonly names?: string;
  /** As openssl writes times: `20200101000000Z`. */
  readonly from?: string;
  readonly until?: string;
}

/** An authority of the test's own, and what it has signed. */
export interface Authority extends Identity {
  issue(commonName: string, options?: IssueOptions): Promise<Identity>;
  /** An authority whose own certificate this one has signed. */
  issueAuthority(commonName: string): Promise<Authority>;
}

const CONFIG = `[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
`;

/** Makes an authority with openssl, whose files are in `dir`, an empty directory of its own. */
export async function makeAuthority(dir: string, commonName = "Heliostat test root"): Promise<Authority> {
  await openssl(dir, [
    "req",
    "-x509",
    ...newKey("ca.key"),
    "-out",
    "ca.pem",
    "-days",
    "30",
    "-subj",
    `/CN=${commonName}`,
  ]);
  return await openAuthority(dir, { prefix: "ca", chain: "" });
}

/** A certificate that signs itself. */
export async function makeSelfSigned(dir: string, names: string): Promise<Identity> {
  const subject = ["-subj", "/CN=self", "-addext", `subjectAltName=${names}`];
  await openssl(dir, ["req", "-x509", ...newKey("self.key"), "-out", "self.pem", "-days", "30", ...subject]);
  return { certificate: await read(dir, "self.pem"), key: await read(dir, "self.key") };
}

async function openAuthority(
  dir: string,
  { prefix, chain }: { prefix: string; chain: string },
): Promise<Authority> {
  await writeFile(join(dir, "ca.cnf"), CONFIG);
  await writeFile(join(dir, "index.txt"), "", { flag: "a" });
  let serial = 0;
  // `openssl ca` writes its list of what it signed: two at a time would spoil it.
  let queue: Promise<unknown> = Promise.resolve();

  async function sign(commonName: string, extensions: string, options: IssueOptions): Promise<Identity> {
    serial += 1;
    const name = `${prefix}-${serial}`;
    await writeFile(
      join(dir, "serial"),
      `${prefix === "ca" ? "01" : "02"}${String(serial).padStart(2, "0")}\n`,
    );
    await writeFile(join(dir, `${name}.ext`), extensions);
    await openssl(dir, [
      "req",
      ...newKey(`${name}.key`),
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${commonName}`,
    ]);
    const times = options.from || options.until ? [] : ["-days", "30"];
    if (options.from) times.push("-startdate", options.from);
    if (options.until) times.push("-enddate", options.until);
    await openssl(dir, [
      ...[
        "ca",
        "-batch",
        "-notext",
        "-config",
        "ca.cnf",
        "-cert",
        `${prefix}.pem`,
        "-keyfile",
        `${prefix}.key`,
      ],
      ...["-in", `${name}.csr`, "-out", `${name}.pem`, "-extfile", `${name}.ext`, ...times],
    ]);
    return { certificate: `${await read(dir, `${name}.pem`)}${chain}`, key: await read(dir, `${name}.key`) };
  }
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = queue.then(work);
    queue = turn.catch(() => {});
    return turn;
  }

  return {
    certificate: `${await read(dir, `${prefix}.pem`)}${chain}`,
    key: await read(dir, `${prefix}.key`),
    issue: (commonName, options = {}) =>
      inTurn(() =>
        sign(
          commonName,
          options.names === undefined ? "extendedKeyUsage=clientAuth\n" : `subjectAltName=${options.names}\n`,
          options,
        ),
      ),
    issueAuthority: (commonName) =>
      inTurn(async () => {
        const below = await sign(commonName, "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n", {});
        await writeFile(join(dir, "sub.pem"), below.certificate);
        await writeFile(join(dir, "sub.key"), below.key);
        return await openAuthority(dir, { prefix: "sub", chain: below.certificate });
      }),
  };
}

/** Elliptic curves: their keys are made in no time. */
function newKey(path: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path];
}

function read(dir: string, name: string): Promise<string> {
  return readFile(join(dir, name), "utf8");
}

/** Runs openssl in `dir`; rejects with its errors. */
export async function openssl(dir: string, args: readonly string[]): Promise<string> {
  return (await runFile("openssl", args, { cwd: dir })).stdout;
}
