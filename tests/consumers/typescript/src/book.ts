// The payout service's own memory: one file for each claim key, which outlives the process and the power.

import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

import type { Owed } from "./verify.js";

/** What a process that died was writing; it was never told to anybody. */
const UNNAMED = ".new";

export type State = "owed" | "paid";

export interface Entry {
  state: State;
  owed: Owed;
}

export class Book {
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true });
  }

  /** Writes down that a claim is owed. Of several processes the first decides; false where the claim is known. */
  enter(owed: Owed): boolean {
    const written = this.write({ state: "owed", owed });
    try {
      linkSync(written, this.path(owed.claimKey));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    } finally {
      rmSync(written);
    }
    this.sync();
    return true;
  }

  /** Writes down that it is paid. */
  settle(owed: Owed): void {
    renameSync(this.write({ state: "paid", owed }), this.path(owed.claimKey));
    this.sync();
  }

  find(claimKey: string): Entry | undefined {
    try {
      return decode(readFileSync(this.path(claimKey), "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Everything that is owed and not known to be paid: what to go on with after a restart. */
  open(): Owed[] {
    const names = readdirSync(this.folder).filter((name) => !name.endsWith(UNNAMED));
    const entries = names.map((name) => decode(readFileSync(this.path(name), "utf8")));
    return entries.filter(({ state }) => state === "owed").map(({ owed }) => owed);
  }

  /** An entry that is whole on the disk, and counts as soon as it has the claim key for its name. */
  private write(entry: Entry): string {
    const path = `${this.path(entry.owed.claimKey)}.${process.pid}${UNNAMED}`;
    const file = openSync(path, "w");
    try {
      writeSync(file, encode(entry));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return path;
  }

  /** Names are durable, too, before anybody is told. */
  private sync(): void {
    const folder = openSync(this.folder, "r");
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  private path(name: string): string {
    return join(this.folder, name);
  }
}

function encode({ state, owed }: Entry): string {
  return JSON.stringify({ state, owed: { ...owed, amount: owed.amount.toString() } });
}

function decode(text: string): Entry {
  const { state, owed } = JSON.parse(text) as { state: State; owed: Omit<Owed, "amount"> & { amount: string } };
  return { state, owed: { ...owed, amount: BigInt(owed.amount) } };
}
