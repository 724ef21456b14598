import type { OpenFile } from '../static/file-store.ts'

/** A file as the system has it. */
export interface StoredFile extends OpenFile {
  /** Changes with every change of the file, and with another file at its place. */
  readonly identity: string
  /** Milliseconds since 1970: when its content or its name were last touched. Nobody can set it. */
  readonly changedMs: number
  /** Whether it still is what it was when it was opened. */
  same(): Promise<boolean>
}

/** What a path leads to. */
export type Looked<T> = T | 'folder' | undefined

/** The two clocks of a cache. */
export interface FileClock {
  /** Milliseconds that never go back. */
  now(): number
  /** Milliseconds since 1970. */
  today(): number
}

/**
 * Milliseconds an answer is given again without a look at the disk: the most by which a client sees
 * a change, a deletion or another link late. Shorter than people notice, long enough that a file that
 * thousands ask for is looked at ten times a second.
 */
const FRESH_MS = 100
/**
 * Milliseconds a change has to be past before content may be known by its time: file systems tell
 * times in steps, of 2 s at the most, and what changes twice in one looks the same.
 */
const SETTLED_MS = 2_000
/** Bytes of a file that is kept, at the most. */
const MAX_FILE = 262_144
/** Bytes of all that are kept, names and bookkeeping included. */
const MAX_TOTAL = 16_777_216
/** Bytes that a kept file costs beside its content. */
const OVERHEAD = 1_024

/** Paths without a file that are kept, and characters of one: names are for clients to choose. */
const MAX_MISSES = 1_024
const MAX_MISS_KEY = 512

/** A path that leads to a folder, or to nothing. */
interface Miss {
  readonly looked: 'folder' | undefined
  readonly checkedAt: number
}

interface Entry {
  readonly file: OpenFile
  readonly identity: string
  /** The content may be known by its identity. */
  readonly settled: boolean
  readonly cost: number
  checkedAt: number
}

interface Load {
  readonly looked: Looked<OpenFile>
  /** It may be given to others that wait for the same: it is no handle, which one has to close. */
  readonly shared: boolean
}

/**
 * Keeps small files in memory, those asked for last. A file is found anew through its path, links
 * and all, once in {@link FRESH_MS}, however many ask for it; and one that is not there is looked for
 * as often, as the compressed ones beside most files are.
 */
export class FileCache {
  readonly #clock: FileClock
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>()
  /** Those found longest ago first. */
  readonly #misses = new Map<string, Miss>()
  readonly #loads = new Map<string, Promise<Load>>()
  #total = 0

  constructor(clock: FileClock) {
    this.#clock = clock
  }

  /** Bytes kept. */
  get size(): number {
    return this.#total
  }

  /** @param look - finds and opens it on the disk. */
  async find(key: string, look: () => Promise<Looked<StoredFile>>): Promise<Looked<OpenFile>> {
    const entry = this.#entries.get(key)
    if (entry !== undefined && this.#isFresh(entry)) {
      this.#touch(key, entry)
      return entry.file
    }
    const miss = this.#misses.get(key)
    if (miss !== undefined && this.#isFresh(miss)) return miss.looked
    const running = this.#loads.get(key)
    if (running !== undefined) {
      const { looked, shared } = await running
      return shared ? looked : look()
    }
    const load = this.#load(key, look)
    this.#loads.set(key, load)
    try {
      return (await load).looked
    } finally {
      this.#loads.delete(key)
    }
  }

  async #load(key: string, look: () => Promise<Looked<StoredFile>>): Promise<Load> {
    const checkedAt = this.#clock.now()
    const today = this.#clock.today()
    const entry = this.#entries.get(key)
    const found = await look()
    this.#misses.delete(key)
    if (typeof found !== 'object' || found.size > MAX_FILE) {
      this.#drop(key)
      if (typeof found === 'object') return { looked: found, shared: false }
      this.#keepMiss(key, { looked: found, checkedAt })
      return { looked: found, shared: true }
    }
    if (entry?.settled === true && entry.identity === found.identity) {
      await found.close()
      entry.checkedAt = checkedAt
      this.#touch(key, entry)
      return { looked: entry.file, shared: true }
    }
    const content = await readWhole(found)
    this.#drop(key)
    // Somebody writes to it: it is sent as files that are not kept are.
    if (content === undefined) return { looked: found, shared: false }
    await found.close()
    const file = kept(found, content)
    const { identity, changedMs } = found
    const settled = today - changedMs >= SETTLED_MS
    const cost = content.length + 2 * key.length + OVERHEAD
    this.#keep(key, { file, identity, settled, cost, checkedAt })
    return { looked: file, shared: true }
  }

  #isFresh({ checkedAt }: Pick<Entry, 'checkedAt'>): boolean {
    return this.#clock.now() - checkedAt < FRESH_MS
  }

  #touch(key: string, entry: Entry): void {
    if (this.#entries.delete(key)) this.#entries.set(key, entry)
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.set(key, entry)
    this.#total += entry.cost
    for (const oldest of this.#entries.keys()) {
      if (this.#total <= MAX_TOTAL) break
      this.#drop(oldest)
    }
  }

  #keepMiss(key: string, miss: Miss): void {
    if (key.length > MAX_MISS_KEY) return
    this.#misses.set(key, miss)
    if (this.#misses.size <= MAX_MISSES) return
    const oldest = this.#misses.keys().next()
    if (!oldest.done) this.#misses.delete(oldest.value)
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#total -= entry.cost
  }
}

/** The content; nothing where the file changed meanwhile. Closes a file that cannot be read. */
async function readWhole(file: StoredFile): Promise<Uint8Array | undefined> {
  try {
    const content = await file.read(0, file.size)
    return content.length === file.size && (await file.same()) ? content : undefined
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}

const CLOSED = Promise.resolve()

function kept({ name, size, modifiedMs, version }: OpenFile, content: Uint8Array): OpenFile {
  return {
    name,
    size,
    modifiedMs,
    version,
    read: (position, length) => Promise.resolve(content.subarray(position, position + length)),
    close: () => CLOSED,
  }
}
