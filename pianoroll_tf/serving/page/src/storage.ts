// The last takes of a model in IndexedDB, one record each, so that several tabs do not overwrite each other's takes.
import type { Grid } from "./grid";
import { forgetOldTakes, loadOldTakes } from "./oldstorage";
import type { Limits } from "./settings";
import type { Take } from "./take";
import { fromRecord, surplus, type TakeRecord, toRecord } from "./takerecord";

const DATABASE = "pianoroll_tf";
const TAKES = "takes";
const OPEN_SECONDS = 5; // another tab with an older version of the page may block the database for ever
const NOT_STORED = "takes are lost when the page is closed. Save those you need as files.";

export interface Loaded {
  takes: Take[];
  damaged: number;
}

export class TakeStore {
  /** A take could not be stored. */
  onerror: (message: string) => void = () => undefined;
  private database: Promise<IDBDatabase | null> | null = null;

  constructor(private readonly model: string) {}

  /** Loads the stored takes, oldest first, and counts those that cannot be read. */
  async load(grid: Grid, limits: Limits): Promise<Loaded> {
    const old = await loadOldTakes(this.model, grid, limits);
    const records = await this.run<TakeRecord[]>("readonly", (takes) => takes.index("model").getAll(this.model));
    if (!records) return old;
    const [takes, known] = [[] as Take[], new Set(records.map((record) => record.id))];
    let damaged = old.damaged;
    for (const record of records) {
      try {
        takes.push(fromRecord(record, grid, limits));
      } catch {
        damaged += 1;
      }
    }
    const fresh = old.takes.filter((take) => !known.has(take.origin.id));
    if (old.takes.length || old.damaged) {
      if (await this.put(fresh)) forgetOldTakes(this.model, old.damaged);
    }
    takes.push(...fresh);
    return { takes: takes.sort((a, b) => a.origin.created - b.origin.created), damaged };
  }

  /** Stores takes or replaces them, and drops the oldest ones that are not kept; false if the browser refuses. */
  async put(takes: readonly Take[]): Promise<boolean> {
    const records = takes.map((take) => toRecord(take, this.model));
    if (!(await this.write((store) => records.forEach((record) => store.put(record))))) return false;
    const dropped = await this.run("readwrite", (store) => {
      const all = store.index("model").getAll(this.model);
      all.onsuccess = () => surplus(all.result as TakeRecord[]).forEach((id) => store.delete(id));
    });
    return dropped !== null;
  }

  remove(takes: readonly Take[]): Promise<boolean> {
    return this.write((store) => takes.forEach((take) => store.delete(take.origin.id)));
  }

  /** Makes changes that do not depend on what is read; they are carried out even if the page is closed now. */
  private async write(change: (store: IDBObjectStore) => void): Promise<boolean> {
    const written = await this.run("readwrite", (store) => {
      change(store);
      store.transaction.commit();
    });
    return written !== null;
  }

  /**
   * Runs a transaction; null, and a message, if it fails. Transactions begin in the order of the calls, and the
   * browser carries out those that write in the order in which they began.
   */
  private async run<T>(mode: IDBTransactionMode, use: (store: IDBObjectStore) => IDBRequest<T> | void): Promise<T | null> {
    try {
      const database = await (this.database ??= openDatabase());
      if (!database) {
        this.database = null; // the next transaction tries again
        throw new Error("cannot be opened");
      }
      database.onclose = database.onversionchange = () => {
        database.close(); // a newer version of the page is open, or the browser has closed it
        this.database = null;
      };
      return await new Promise<T>((resolve, reject) => {
        const transaction = database.transaction(TAKES, mode);
        const request = use(transaction.objectStore(TAKES));
        transaction.oncomplete = () => resolve((request ? request.result : true) as T);
        transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
      });
    } catch (error) {
      const isFull = (error as DOMException).name === "QuotaExceededError";
      this.onerror(`The browser's storage is ${isFull ? "full" : "not available"}: ${NOT_STORED}`);
      return null;
    }
  }
}

/** The database; null if the browser has none, or does not open it. */
function openDatabase(): Promise<IDBDatabase | null> {
  return new Promise((resolve) => {
    window.setTimeout(() => resolve(null), OPEN_SECONDS * 1000);
    try {
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () =>
        request.result.createObjectStore(TAKES, { keyPath: "id" }).createIndex("model", "model");
      request.onerror = () => resolve(null);
      request.onsuccess = () => resolve(request.result);
    } catch {
      resolve(null);
    }
  });
}
