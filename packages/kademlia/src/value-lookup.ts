import type { Reader } from '@flatend/wire'
import { GET, PUT } from './codec.ts'
import type { Contact } from './contact.ts'
import { sameKey, toHex } from './id.ts'
import { type LookupContext, type Query, runLookup } from './lookup-run.ts'
import {
  isSameRecord,
  type RecordsOptions,
  type SignedRecord,
  tryReadRecord,
  verifyRecord,
} from './record.ts'
import {
  type GetAnswer,
  MAX_GET_NODES,
  MAX_PUT,
  readGetAnswer,
  writeGet,
  writeRecords,
} from './record-codec.ts'
import type { RecordStats } from './record-stats.ts'
import { endOf, MAX_RETURNED } from './record-store.ts'
import { BUCKET_SIZE, type RoutingTable } from './routing-table.ts'

/** Records taken from all answers of one lookup: what lying peers can make us check and hold. */
const MAX_FOUND = 256
/** Contacts it begins with. */
const MAX_START = 4 * BUCKET_SIZE

/** What a lookup for records works with. */
export interface ValueLookupContext extends LookupContext {
  readonly verify: RecordsOptions['verify']
  readonly wallNow: () => number
  readonly stats: RecordStats
  /** Holders where a search names no number. @default 1 */
  readonly holders?: number
}

/** What is searched. */
export interface ValueLookupOptions {
  readonly key: Uint8Array
  readonly signal: AbortSignal
  /** Records that are enough; infinite where all that can be had are wanted. @default 1 */
  readonly want?: number
  /** Nodes that must have given records before the search ends early. @default the profile's */
  readonly holders?: number
}

/** What a lookup for records found. */
export interface FoundRecords {
  /** Valid and not over, the newest of each provider. */
  readonly records: readonly SignedRecord[]
  /** Who gave some, nearest to the key first. */
  readonly holders: readonly Contact[]
  /** All that answered, nearest first. */
  readonly answered: readonly Contact[]
}

/**
 * Asks the nodes towards a key for its records, until enough are found or the nearest have answered,
 * and leaves a copy at the nearest of those that had none, so that a key many ask for does not fall on
 * its holders alone (discovery §2). Rejects with the signal's reason.
 */
export async function findRecords(
  context: ValueLookupContext,
  options: ValueLookupOptions,
): Promise<FoundRecords> {
  const { holders: least } = context
  const search = new ValueSearch(context, { ...(least ? { holders: least } : {}), ...options })
  context.stats.lookups++
  const start = startOf(context.table, options.key)
  const answered = await runLookup(context, search.query, { signal: options.signal, start })
  const records = search.records()
  const holders = answered.filter(({ key }) => search.holders.has(toHex(key)))
  const nearestOther = answered.find(({ key }) => !search.holders.has(toHex(key)))
  if (nearestOther && records.length > 0) leaveCopy(context, nearestOther, records)
  return { records, holders, answered }
}

/** Whom a search for holders begins with: where the nearest are dead, those behind them are asked. */
export function startOf(table: RoutingTable, key: Uint8Array): Contact[] {
  return table.closest(key, MAX_START)
}

/** What the answers of one lookup gave. */
class ValueSearch {
  readonly holders = new Set<string>()
  readonly query: Query
  readonly #context: ValueLookupContext
  readonly #key: Uint8Array
  readonly #found = new Map<string, SignedRecord>()

  constructor(context: ValueLookupContext, options: ValueLookupOptions) {
    const { key, want = 1, holders = 1 } = options
    this.#context = context
    this.#key = key
    this.query = {
      target: key,
      opcode: GET,
      write: (writer) => writeGet(writer, { key, want: MAX_RETURNED, nodes: MAX_GET_NODES }),
      read: (body, from) => this.#read(body, from),
      enough: () => this.#found.size >= want && this.holders.size >= holders,
    }
  }

  records(): SignedRecord[] {
    return [...this.#found.values()].filter(({ tombstone }) => !tombstone)
  }

  #read(body: Reader, from: Contact): readonly Contact[] {
    const answer: GetAnswer = readGetAnswer(body)
    for (const bytes of answer.records) if (this.#take(bytes)) this.holders.add(toHex(from.key))
    return answer.contacts
  }

  /** Whether these bytes are a record of this key that is good now. */
  #take(bytes: Uint8Array): boolean {
    const { stats, verify, wallNow, table } = this.#context
    const record = tryReadRecord(bytes)
    if (!record || !sameKey(record.key, this.#key) || endOf(record) <= wallNow()) {
      stats.invalid++
      return false
    }
    // Ours is no news, and whoever has it is a holder all the same.
    if (sameKey(record.publicKey, table.self)) return true
    const provider = toHex(record.publicKey)
    const known = this.#found.get(provider)
    // Many holders give the same record, whose signature is checked once.
    if (known && isSameRecord(known, record)) return true
    if (!known && this.#found.size >= MAX_FOUND) return true
    if (!verifyRecord(record, verify)) {
      stats.invalid++
      return false
    }
    if (!known || record.seq > known.seq) this.#found.set(provider, record)
    return true
  }
}

function leaveCopy(
  { connection }: ValueLookupContext,
  { key }: Contact,
  records: readonly SignedRecord[],
): void {
  const peer = connection(key)
  if (peer?.version !== 2) return
  const copies = records.slice(0, MAX_PUT).map(({ bytes }) => bytes)
  // Whether it is kept is its own affair.
  peer.request(
    PUT,
    (writer) => writeRecords(writer, copies),
    () => undefined,
  )
}
