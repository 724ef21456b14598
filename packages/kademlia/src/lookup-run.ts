import type { Reader, Writer } from '@flatend/wire'
import {
  FIND_NODE2,
  MAX_FOUND,
  readContacts,
  STATUS_OK,
  STATUS_UNSUPPORTED,
  writeFindNode,
} from './codec.ts'
import type { Contact } from './contact.ts'
import { compareDistance, toHex } from './id.ts'
import { Lookup } from './lookup.ts'
import type { Clock, Peer } from './ports.ts'
import { type RoundTrips, slowAfter } from './round-trips.ts'
import { BUCKET_SIZE, type RoutingTable } from './routing-table.ts'

/** What a request is told where its connection ended first. */
const NO_REPLY = -1
const MAX_TRIES = 3

/** What a lookup works with. */
export interface LookupContext {
  readonly table: RoutingTable
  readonly clock: Clock
  readonly trips: RoundTrips
  /** The same of dials, a handshake included: whom we must dial first has the time of both. */
  readonly dials: RoundTrips
  /** The connection to a node, where there is one. */
  readonly connection: (key: Uint8Array) => Peer | undefined
  readonly connect: (contact: Contact, signal: AbortSignal) => Promise<Peer>
  /** A node did not answer. */
  readonly failed: (key: Uint8Array) => void
  /** Disjoint paths of lookups that name no number. @default 1 */
  readonly paths?: number
  /** Whom a lookup for a target looks at, of those that are named. @default everybody */
  readonly admit?: (target: Uint8Array) => (contact: Contact) => boolean
}

/** What is asked of the nodes on the way. */
export interface Query {
  readonly target: Uint8Array
  readonly opcode: number
  readonly write: (writer: Writer) => void
  /** Reads an answer to its end and returns whom to ask next. Its RemoteProtocolError ends the connection. */
  readonly read: (body: Reader, from: Contact) => readonly Contact[]
  /** Whether what was read is enough to end the search early. */
  readonly enough?: () => boolean
}

/** Asks for the nodes nearest to a target. */
export function nodesQuery(target: Uint8Array): Query {
  return {
    target,
    opcode: FIND_NODE2,
    write: (writer) => writeFindNode(writer, { target, want: MAX_FOUND, needed: 0 }),
    read(body) {
      const contacts = readContacts(body, MAX_FOUND)
      body.expectEnd()
      return contacts
    },
  }
}

/** Options of {@link runLookup}. */
export interface LookupRunOptions {
  readonly signal: AbortSignal
  /**
   * Lookups of disjoint paths (S/Kademlia §4.4), 1 to 16: each begins with other contacts and no node
   * is asked on two of them, so that a liar leads one astray and not all. @default the profile's
   */
  readonly paths?: number
  /** Whom to begin with. @default the 16 nearest known */
  readonly start?: readonly Contact[]
}

const MAX_PATHS = 16

/**
 * Searches towards a target. Rejects with the signal's reason; resolves with all that answered,
 * nearest first.
 * @throws RangeError where `paths` is out of range
 */
export function runLookup(
  context: LookupContext,
  query: Query,
  { signal, paths = context.paths ?? 1, start }: LookupRunOptions,
): Promise<Contact[]> {
  if (!(Number.isInteger(paths) && paths >= 1 && paths <= MAX_PATHS)) {
    throw new RangeError(`paths must be from 1 to ${MAX_PATHS}`)
  }
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const run = new LookupRun(context, { query, paths, start }, () => {
      signal.removeEventListener('abort', stop)
      resolve(run.answers())
    })
    const stop = (): void => {
      run.stop()
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    run.step()
  })
}

interface LookupRunTarget {
  readonly query: Query
  readonly paths: number
  readonly start: readonly Contact[] | undefined
}

/** Asks whom the lookups of its paths name, all on their own, and tells them what came of it. */
class LookupRun {
  readonly #paths: readonly Lookup[]
  readonly #context: LookupContext
  readonly #query: Query
  readonly #onDone: () => void
  /** Ends what is under way. */
  readonly #running = new Set<() => void>()
  #over = false

  constructor(
    context: LookupContext,
    { query, paths, start }: LookupRunTarget,
    onDone: () => void,
  ) {
    const { table } = context
    const { target } = query
    this.#context = context
    this.#query = query
    this.#onDone = onDone
    const first = start ?? table.closest(target, BUCKET_SIZE)
    const claim = paths > 1 ? claimOnce() : () => true
    const admit = context.admit?.(target)
    this.#paths = Array.from({ length: paths }, (_, path) => {
      const own = first.filter((_contact, i) => i % paths === path)
      return new Lookup({
        target,
        self: table.self,
        start: own,
        claim,
        ...(admit ? { admit } : {}),
      })
    })
  }

  /** All that answered on any path, nearest first. */
  answers(): Contact[] {
    const { target } = this.#query
    const found = this.#paths.flatMap((lookup) => lookup.answers())
    return found.toSorted((a, b) => compareDistance(target, a.key, b.key))
  }

  step(): void {
    if (this.#query.enough?.() === true) this.#finish()
    for (const lookup of this.#paths) {
      if (this.#over) return
      for (const contact of lookup.next()) {
        this.#ask(lookup, contact)
        // An answer may have come at once, and have been the last.
        if (this.#over) return
      }
    }
    if (this.#paths.every((lookup) => lookup.done)) this.#finish()
  }

  #finish(): void {
    if (this.#over) return
    this.stop()
    this.#onDone()
  }

  stop(): void {
    this.#over = true
    for (const end of this.#running) end()
    this.#running.clear()
  }

  #ask(lookup: Lookup, contact: Contact): void {
    const { clock, trips, dials, connection, failed } = this.#context
    const open = connection(contact.key)
    const timeoutMs = open ? trips.timeoutMs : trips.timeoutAfter(dials)
    const abort = new AbortController()
    const slow = clock.schedule(slowAfter(timeoutMs), () => {
      lookup.slow(contact.key)
      this.step()
    })
    const late = clock.schedule(timeoutMs, () => settle(undefined))
    const cancel = (): void => {
      slow.cancel()
      late.cancel()
    }
    const end = (): void => {
      cancel()
      abort.abort(new Error('the lookup waits no longer'))
    }
    const settle = (contacts: readonly Contact[] | undefined): void => {
      if (!this.#running.delete(end)) return
      if (contacts) {
        cancel()
        lookup.answered(contact.key, contacts)
      } else {
        end()
        for (const path of this.#paths) path.failed(contact.key)
        failed(contact.key)
      }
      this.step()
    }
    this.#running.add(end)
    this.#send({
      query: this.#query,
      contact,
      signal: abort.signal,
      settle,
      asked: undefined,
      tries: 0,
    })
  }

  #send(question: Question): void {
    question.tries++
    const open = this.#context.connection(question.contact.key)
    if (open && open !== question.asked) this.#request(open, question)
    else void this.#dial(question)
  }

  async #dial(question: Question): Promise<void> {
    const { contact, signal, settle } = question
    const { clock, dials, connect, connection } = this.#context
    const start = clock.now()
    try {
      const made = await connect(contact, signal)
      dials.observe(clock.now() - start)
      // Of two connections to one node the other may have been kept.
      this.#request(connection(contact.key) ?? made, question)
    } catch {
      settle(undefined)
    }
  }

  #request(peer: Peer, question: Question): void {
    const { settle, signal, tries, query } = question
    if (peer.version !== 2) {
      settle(undefined)
      return
    }
    question.asked = peer
    const { clock, trips } = this.#context
    const start = clock.now()
    peer.request(query.opcode, query.write, (status, body) => {
      // The node may have dialed us at the same time, and this connection have been given up for that.
      if (status === NO_REPLY && tries < MAX_TRIES && !signal.aborted) this.#send(question)
      else if (status === STATUS_UNSUPPORTED && query.opcode !== FIND_NODE2 && !signal.aborted) {
        // It keeps no records, and may know who does.
        this.#request(peer, { ...question, query: nodesQuery(query.target) })
      } else if (status !== STATUS_OK || !body) settle(undefined)
      else {
        trips.observe(clock.now() - start)
        settle(readOrFail(body, question))
      }
    })
  }
}

/** Says yes to the first that asks for a node. */
function claimOnce(): (key: Uint8Array) => boolean {
  const claimed = new Set<string>()
  return (key) => {
    const { size } = claimed
    return claimed.add(toHex(key)).size > size
  }
}

type Settle = (contacts: readonly Contact[] | undefined) => void

/** What one node is asked, perhaps again. */
interface Question {
  readonly query: Query
  readonly contact: Contact
  readonly signal: AbortSignal
  readonly settle: Settle
  /** The connection it was asked over last: where that ended, another is needed. */
  asked: Peer | undefined
  tries: number
}

/** A malformed answer is none; that it ends the connection is for the caller of the callback. */
function readOrFail(
  body: Reader,
  { query, contact, settle }: Question,
): readonly Contact[] | undefined {
  try {
    return query.read(body, contact)
  } catch (error) {
    settle(undefined)
    throw error
  }
}
