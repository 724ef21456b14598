import type { Reader } from '@flatend/wire'
import { PUT } from './codec.ts'
import type { Address, Contact } from './contact.ts'
import type { Clock, Peer, Timer } from './ports.ts'
import type { Reach } from './reach.ts'
import { type RecordsOptions, type SignedRecord, serviceKey, signRecord } from './record.ts'
import { MAX_PUT, type PutAnswer, readPutAnswers, writeRecords } from './record-codec.ts'
import type { RecordStats } from './record-stats.ts'
import { PUT_STATUS } from './record-store.ts'
import { BUCKET_SIZE } from './routing-table.ts'

/** Life of a record in seconds, and time between two of one service in milliseconds (discovery §2). */
const TTL = 900
const EVERY = 300_000
const JITTER = 0.1
/** Where fewer nodes than wanted took it: the first wait, which doubles up to EVERY. */
const SOON = 5_000
/** Once somebody was met, after nobody was. */
const AT_LAST = 250
/** One service is published at most so often, whatever changes, in milliseconds. */
const APART = 1_000
/** Services published at a time. */
const MAX_RUNNING = 4

/** What {@link Publisher} works with. */
export interface PublisherContext {
  readonly options: RecordsOptions
  readonly address: () => Address | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly stats: RecordStats
  readonly reach: Reach
  readonly connection: (key: Uint8Array) => Peer | undefined
  /** Nodes near a key that answered, nearest first. */
  readonly search: (key: Uint8Array) => Promise<readonly Contact[]>
  /** Keeps a record here too: we may be among the nearest ourselves. */
  readonly keep: (bytes: Uint8Array) => void
}

/** One service, offered or withdrawn. */
interface Published {
  readonly key: Uint8Array
  readonly service: string
  wanted: boolean
  /** Who took it. */
  holders: readonly Contact[]
  timer: Timer | undefined
  /** When it was published last, by the clock. */
  at: number
  /** The next wait where fewer than wanted took it. */
  soonMs: number
  state: 'waiting' | 'queued' | 'running'
  /** Something changed while it ran. */
  again: boolean
}

/** Keeps the records of this node's services at the nodes nearest to their keys. */
export class Publisher {
  readonly #context: PublisherContext
  readonly #services = new Map<string, Published>()
  readonly #queue: Published[] = []
  #running = 0
  #seq = 0n
  #started = false
  #stopped = false

  constructor(context: PublisherContext) {
    this.#context = context
  }

  /** Services offered now: what is new is published, what is gone withdrawn. */
  set(services: ReadonlySet<string>): void {
    for (const service of services) {
      const known = this.#services.get(service)
      if (known?.wanted === true) continue
      const one = known ?? this.#create(service)
      one.wanted = true
      this.#soon(one, 0)
    }
    for (const one of this.#services.values()) {
      if (!one.wanted || services.has(one.service)) continue
      one.wanted = false
      this.#soon(one, 0)
    }
  }

  /** The first nodes are known. */
  start(): void {
    this.#started = true
    for (const one of this.#services.values()) this.#soon(one, 0)
  }

  /** Somebody was met: what nobody took yet is tried again. */
  peerJoined(): void {
    for (const one of this.#services.values()) {
      const waits = one.state === 'waiting' && one.wanted && one.holders.length === 0
      if (waits) this.#soon(one, AT_LAST)
    }
  }

  /** Withdraws everything where a connection is open; who stops dials nobody any more. */
  stop(): void {
    this.#stopped = true
    const tombstones = new Map<Peer, Uint8Array[]>()
    for (const one of this.#services.values()) {
      one.timer?.cancel()
      if (one.holders.length === 0) continue
      const { bytes } = this.#sign(one, true)
      for (const { key } of one.holders) {
        const peer = this.#context.connection(key)
        if (peer?.version === 2) tombstones.set(peer, [...(tombstones.get(peer) ?? []), bytes])
      }
    }
    for (const [peer, records] of tombstones) {
      for (let at = 0; at < records.length; at += MAX_PUT) {
        const part = records.slice(at, at + MAX_PUT)
        peer.request(PUT, (writer) => writeRecords(writer, part), ignore)
      }
    }
  }

  #create(service: string): Published {
    const one: Published = {
      key: serviceKey(service, this.#context.options.hash),
      service,
      wanted: true,
      holders: [],
      timer: undefined,
      at: Number.NEGATIVE_INFINITY,
      soonMs: SOON,
      state: 'waiting',
      again: false,
    }
    this.#services.set(service, one)
    return one
  }

  /** Publishes it after a while, at the earliest APART after the last time. */
  #soon(one: Published, delayMs: number): void {
    if (!this.#started || this.#stopped) return
    if (one.state === 'running') one.again = true
    if (one.state !== 'waiting') return
    one.timer?.cancel()
    const { clock } = this.#context
    const delay = Math.max(delayMs, one.at + APART - clock.now())
    if (delay <= 0) this.#enqueue(one)
    else one.timer = clock.schedule(delay, () => this.#enqueue(one))
  }

  #enqueue(one: Published): void {
    one.timer = undefined
    one.state = 'queued'
    this.#queue.push(one)
    this.#pump()
  }

  #pump(): void {
    while (!this.#stopped && this.#running < MAX_RUNNING) {
      const one = this.#queue.shift()
      if (!one) return
      this.#running++
      void this.#run(one)
    }
  }

  async #run(one: Published): Promise<void> {
    const { clock } = this.#context
    one.state = 'running'
    one.again = false
    one.at = clock.now()
    const { wanted } = one
    const nextMs = wanted ? await this.#publish(one) : await this.#withdraw(one)
    one.state = 'waiting'
    this.#running--
    if (one.again || one.wanted !== wanted) this.#soon(one, 0)
    else if (wanted) this.#soon(one, nextMs)
    else this.#services.delete(one.service)
    this.#pump()
  }

  /** Returns when to do it again. */
  async #publish(one: Published): Promise<number> {
    const { search, random } = this.#context
    const { bytes } = this.#sign(one, false)
    this.#context.keep(bytes)
    const near = await search(one.key).catch(() => [])
    const before = one.holders
    const { holders, retryMs } = await this.#place(bytes, near)
    one.holders = this.#stopped ? [...before, ...holders] : holders
    if (holders.length === BUCKET_SIZE) {
      one.soonMs = SOON
      return EVERY * (1 - JITTER + random() * 2 * JITTER)
    }
    const waitMs = Math.min(EVERY, Math.max(one.soonMs, holders.length === 0 ? retryMs : 0))
    one.soonMs = Math.min(EVERY, one.soonMs * 2)
    return waitMs * (1 - JITTER + random() * 2 * JITTER)
  }

  /** Puts a record at the nearest that take it, the next-nearest where one does not. */
  async #place(
    bytes: Uint8Array,
    near: readonly Contact[],
  ): Promise<{ readonly holders: Contact[]; readonly retryMs: number }> {
    const holders: Contact[] = []
    let retryMs = 0
    let next = 0
    const fill = async (): Promise<void> => {
      for (let contact = near[next++]; contact; contact = near[next++]) {
        const answer = await this.#put(contact, bytes)
        if (answer?.status === PUT_STATUS.stored) {
          holders.push(contact)
          this.#context.stats.published++
          return
        }
        if (answer?.status === PUT_STATUS.full) retryMs = answer.seconds * 1_000
      }
    }
    await Promise.all(Array.from({ length: BUCKET_SIZE }, fill))
    return { holders, retryMs }
  }

  async #withdraw(one: Published): Promise<number> {
    const { bytes } = this.#sign(one, true)
    this.#context.keep(bytes)
    await Promise.all(one.holders.map((contact) => this.#put(contact, bytes)))
    one.holders = []
    return 0
  }

  async #put(contact: Contact, bytes: Uint8Array): Promise<PutAnswer | undefined> {
    const write = (writer: Parameters<typeof writeRecords>[0]): void =>
      writeRecords(writer, [bytes])
    return await this.#context.reach.ask(contact, { opcode: PUT, write }, readOne)
  }

  /** Wall time, so that it grows over restarts too; one more where that stood still or went back. */
  #sign({ key }: Published, tombstone: boolean): SignedRecord {
    const { options } = this.#context
    const address = this.#context.address()
    const issued = Math.floor(options.wallNow())
    const now = BigInt(issued)
    this.#seq = now > this.#seq ? now : this.#seq + 1n
    return signRecord(
      {
        key,
        publicKey: options.signer.publicKey,
        seq: this.#seq,
        issued,
        ttl: TTL,
        weight: 1,
        tombstone,
        relayed: false,
        addresses: tombstone || !address ? [] : [{ address }],
        metadata: new Uint8Array(0),
      },
      options.signer,
    )
  }
}

function readOne(body: Reader): PutAnswer | undefined {
  return readPutAnswers(body, 1)[0]
}

function ignore(): void {
  // A holder that does not take a tombstone has the record until it is over.
}
