import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Oid } from "../../domain/oid.ts";
import { absent } from "../ref-files.ts";
import { createLru } from "./lru.ts";
import { murmur3 } from "./murmur3.ts";

/*
 * Git's commit-graph, read as it is: gitformat-commit-graph(5). It says of each commit what its tree, parents and time
 * are without a look at the commit, and which paths it may have changed.
 */

/** The commits of a graph go by numbers. */
export interface GraphFile {
  readonly count: number;
  /** -1: the commit is not in the graph. */
  find(oid: Oid): number;
  oidAt(position: number): Oid;
  treeAt(position: number): Oid;
  /** Seconds since 1970. */
  secondsAt(position: number): number;
  parentsAt(position: number): readonly number[];
  /** The first parent; -1: there is none. */
  firstParentAt(position: number): number;
  /** Whether all layers say which paths a commit may have changed. */
  readonly hasPaths: boolean;
  /** False: the commit has certainly not changed the path against its first parent. */
  mayHaveChanged(position: number, path: PathHashes): boolean;
}

/** A path and the directories above it, as the filters know them. */
export type PathHashes = readonly (readonly [number, number])[];

export interface GraphFiles {
  /** The graph of a repository as it is now; null: there is none, or it is too large to be held. */
  read(path: string): Promise<GraphFile | null>;
}

/** Of all repositories together; a million commits take about 100 MB. */
const MEMORY_BYTES = 512 * 1024 * 1024;
const NO_PARENT = 0x70000000;
const MORE_PARENTS = 0x80000000;
/** What git seeds the two hashes with, from which it makes all others. */
const SEEDS = [0x293ae76f, 0x7e646e2c] as const;

interface Layer {
  /** Number of the first commit in it. */
  readonly base: number;
  readonly count: number;
  readonly oidBytes: number;
  readonly data: Buffer;
  readonly fanout: number;
  readonly oids: number;
  readonly commits: number;
  readonly edges: number | null;
  readonly filters: { readonly index: number; readonly data: number; readonly hashes: number } | null;
}

/** Graphs are read whole, once for each state of their files, and forgotten when others need the room. */
export function createGraphFiles(): GraphFiles {
  const graphs = createLru<{ readonly state: string; readonly graph: GraphFile }>(MEMORY_BYTES);
  const reading = new Map<string, Promise<GraphFile | null>>();

  async function readAll(path: string, chain: boolean, state: string): Promise<GraphFile | null> {
    const info = join(path, "objects", "info");
    const names = chain
      ? ((await readFile(join(info, "commit-graphs", "commit-graph-chain"), "latin1").catch(absent)) ?? "")
          .split("\n")
          .filter((line) => /^[0-9a-f]{40,64}$/.test(line))
          .map((hash) => join(info, "commit-graphs", `graph-${hash}.graph`))
      : [join(info, "commit-graph")];
    const layers: Layer[] = [];
    let base = 0;
    let bytes = 0;
    for (const name of names) {
      // Merged into another one meanwhile: the next who asks finds that.
      const data = await readFile(name).catch(absent);
      const layer = data === null ? null : parseLayer(data, base);
      if (layer === null) return null;
      layers.push(layer);
      base += layer.count;
      bytes += layer.data.length + layer.count * Int32Array.BYTES_PER_ELEMENT;
    }
    if (layers.length === 0) return null;
    const graph = joinLayers(layers);
    graphs.set(path, { state, graph }, bytes);
    return graph;
  }

  return {
    async read(path) {
      const info = join(path, "objects", "info");
      const chain = stateOf(join(info, "commit-graphs", "commit-graph-chain"));
      const state = chain ?? stateOf(join(info, "commit-graph"));
      if (state === null) return null;
      const known = graphs.get(path);
      if (known?.state === state) return known.graph;
      const key = `${path} ${state}`;
      let read = reading.get(key);
      if (read === undefined) {
        read = readAll(path, chain !== null, state).finally(() => reading.delete(key));
        reading.set(key, read);
      }
      return await read;
    },
  };
}

/** The hashes of a path and of what is above it; null: filters cannot be asked for such a path. */
export function hashPath(path: string): PathHashes | null {
  // Git's first version took bytes above 0x7f for negative ones: there it is not sure what a filter means.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  if (!/^[\x00-\x7f]+$/.test(path)) return null;
  const parts = path.split("/");
  return parts.map((_part, index) => {
    const bytes = Buffer.from(parts.slice(0, parts.length - index).join("/"), "latin1");
    return [murmur3(SEEDS[0], bytes), murmur3(SEEDS[1], bytes)];
  });
}

/** At once: of a file that was just looked at, a thread would take ten times as long. */
function stateOf(file: string): string | null {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.ino} ${found.size} ${found.mtimeNs}`;
}

function parseLayer(data: Buffer, base: number): Layer | null {
  if (data.length < 8 || data.toString("latin1", 0, 4) !== "CGPH" || data[4] !== 1) return null;
  const oidBytes = data[5] === 2 ? 32 : 20;
  const chunks = new Map<string, number>();
  const count = data[6] ?? 0;
  for (let i = 0; i < count; i += 1) {
    const at = 8 + i * 12;
    chunks.set(data.toString("latin1", at, at + 4), Number(data.readBigUInt64BE(at + 4)));
  }
  const [fanout, oids, commits] = ["OIDF", "OIDL", "CDAT"].map((id) => chunks.get(id));
  if (fanout === undefined || oids === undefined || commits === undefined) return null;
  const index = chunks.get("BIDX");
  const filters = chunks.get("BDAT");
  return {
    ...{ base, oidBytes, data, fanout, oids, commits },
    count: data.readUInt32BE(fanout + 255 * 4),
    edges: chunks.get("EDGE") ?? null,
    filters:
      index === undefined || filters === undefined
        ? null
        : { index, data: filters + 12, hashes: data.readUInt32BE(filters + 4) },
  };
}

function joinLayers(layers: readonly Layer[]): GraphFile {
  const [only] = layers;
  const layerOf = (position: number): Layer => {
    if (layers.length > 1) {
      for (let i = layers.length - 1; i >= 0; i -= 1) {
        const layer = layers[i];
        if (layer !== undefined && position >= layer.base) return layer;
      }
    }
    if (only === undefined) throw new RangeError("a graph without layers");
    return only;
  };
  const recordOf = (layer: Layer, position: number): number =>
    layer.commits + (position - layer.base) * (layer.oidBytes + 16);

  const count = layers.reduce((sum, layer) => sum + layer.count, 0);
  // Most of a search for changes of a path goes from one of these to the next.
  const firsts = new Int32Array(count);
  for (const layer of layers) {
    for (let i = 0; i < layer.count; i += 1) {
      const parent = layer.data.readUInt32BE(recordOf(layer, layer.base + i) + layer.oidBytes);
      firsts[layer.base + i] = parent === NO_PARENT ? -1 : parent;
    }
  }

  return {
    count,
    hasPaths: layers.every(({ filters }) => filters !== null),
    find(oid) {
      const bytes = Buffer.from(oid, "hex");
      for (const layer of layers) {
        const found = search(layer, bytes);
        if (found !== -1) return layer.base + found;
      }
      return -1;
    },
    oidAt(position) {
      const layer = layerOf(position);
      const at = layer.oids + (position - layer.base) * layer.oidBytes;
      return layer.data.toString("hex", at, at + layer.oidBytes) as Oid;
    },
    treeAt(position) {
      const layer = layerOf(position);
      const at = recordOf(layer, position);
      return layer.data.toString("hex", at, at + layer.oidBytes) as Oid;
    },
    secondsAt(position) {
      const layer = layerOf(position);
      const at = recordOf(layer, position) + layer.oidBytes + 8;
      // 34 bits; those above are the generation.
      return (layer.data.readUInt32BE(at) & 3) * 2 ** 32 + layer.data.readUInt32BE(at + 4);
    },
    firstParentAt: (position) => firsts[position] ?? -1,
    parentsAt(position) {
      const layer = layerOf(position);
      const at = recordOf(layer, position) + layer.oidBytes;
      const first = layer.data.readUInt32BE(at);
      const second = layer.data.readUInt32BE(at + 4);
      if (first === NO_PARENT) return [];
      if (second === NO_PARENT) return [first];
      if (second < MORE_PARENTS || layer.edges === null) return [first, second];
      const parents = [first];
      for (let edge = layer.edges + (second - MORE_PARENTS) * 4; ; edge += 4) {
        const value = layer.data.readUInt32BE(edge);
        parents.push(value >= MORE_PARENTS ? value - MORE_PARENTS : value);
        if (value >= MORE_PARENTS) return parents;
      }
    },
    mayHaveChanged(position, path) {
      const { data, filters, base } = layerOf(position);
      if (filters === null) return true;
      const at = filters.index + (position - base) * 4;
      const start = position === base ? 0 : data.readUInt32BE(at - 4);
      const bits = (data.readUInt32BE(at) - start) * 8;
      if (bits === 0) return true;
      for (const [first, step] of path) {
        for (let i = 0; i < filters.hashes; i += 1) {
          const bit = ((first + Math.imul(i, step)) >>> 0) % bits;
          const byte = data[filters.data + start + (bit >>> 3)] ?? 0xff;
          if ((byte & (1 << (bit & 7))) === 0) return false;
        }
      }
      return true;
    },
  };
}

/** Place in the layer; -1: not there. */
function search({ data, fanout, oids, oidBytes }: Layer, oid: Buffer): number {
  const first = oid[0];
  if (first === undefined || oid.length !== oidBytes) return -1;
  let low = first === 0 ? 0 : data.readUInt32BE(fanout + (first - 1) * 4);
  let high = data.readUInt32BE(fanout + first * 4) - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const at = oids + middle * oidBytes;
    const order = data.compare(oid, 0, oidBytes, at, at + oidBytes);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
