import type { Reader, Writer } from '@flatend/wire'
import { FIND_NODE2, readContacts, STATUS_OK, STATUS_UNSUPPORTED, writeFindNode } from './codec.ts'
import type { Contact } from './contact.ts'
import { Lookup } from './lookup.ts'
import type { Clock, Peer } from './ports.ts'
import type { RoundTrips } from './round-trips.ts'
import { BUCKET_SIZE, type RoutingTable } from './routing-table.ts'

/** What a request is told where its connection ended first. */
const NO_REPLY = -1
const MAX_TRIES = 3
/** Contacts a lookup begins with: where the nearest are dead, those behind them are asked. */
const MAX_START = 4 * BUCKET_SIZE

/** What a lookup works with. */
export interface LookupContext {
  readonly table: RoutingTable
  readonly clock: Clock
  readonly trips: RoundTrips
  /** The connection to a node, where there is one. */
  readonly connection: (key: Uint8Array) => Peer | undefined
  readonly connect: (contact: Contact, signal: AbortSignal) => Promise<Peer>
  /** A node did not answer. */
  readonly failed: (key: Uint8Array) => void
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
    write: (writer) => writeFindNode(writer, { target, want: BUCKET_SIZE, needed: 0 }),
    read(body) {
      const contacts = readContacts(body, BUCKET_SIZE)
      body.expectEnd()
      return contacts
    },
  }
}

/**
 * Searches towards a target. Rejects with the signal's reason; resolves with all that answered,
 * nearest first.
 */
export function runLookup(
  context: LookupContext,
  query: Query,
  signal: AbortSignal,
): Promise<Contact[]> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason)
      return
    }
    const run = new LookupRun(context, query, () => {
      signal.removeEventListener('abort', stop)
      resolve(run.lookup.answers())
    })
    const stop = (): void => {
      run.stop()
      reject(signal.reason)
    }
    signal.addEventListener('abort', stop, { once: true })
    run.step()
  })
}

/** Asks whom the lookup names, all on their own, and tells it what came of it. */
class LookupRun {
  readonly lookup: Lookup
  readonly #context: LookupContext
  readonly #query: Query
  readonly #onDone: () => void
  /** Ends what is under way. */
  readonly #running = new Set<() => void>()
  #over = false

  constructor(context: LookupContext, query: Query, onDone: () => void) {
    const { table } = context
    const { target } = query
    this.#context = context
    this.#query = query
    this.#onDone = onDone
    this.lookup = new Lookup({
      target,
      self: table.self,
      start: table.closest(target, MAX_START),
    })
  }

  step(): void {
    if (this.#over) return
    if (this.lookup.done || this.#query.enough?.() === true) {
      this.stop()
      this.#onDone()
      return
    }
    for (const contact of this.lookup.next()) {
      this.#ask(contact)
      // An answer may have come at once, and have been the last.
      if (this.#over) return
    }
  }

  stop(): void {
    this.#over = true
    for (const end of this.#running) end()
    this.#running.clear()
  }

  #ask(contact: Contact): void {
    const { clock, trips, connection, failed } = this.#context
    const open = connection(contact.key)
    const timeoutMs = open ? trips.timeoutMs : trips.dialTimeoutMs
    const abort = new AbortController()
    const slow = clock.schedule(timeoutMs / 2, () => {
      this.lookup.slow(contact.key)
      this.step()
    })
    const late = clock.schedule(timeoutMs, () => settle(undefined))
    const end = (): void => {
      slow.cancel()
      late.cancel()
      abort.abort()
    }
    const settle = (contacts: readonly Contact[] | undefined): void => {
      if (!this.#running.delete(end)) return
      end()
      if (contacts) this.lookup.answered(contact.key, contacts)
      else {
        this.lookup.failed(contact.key)
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
    const { connect, connection } = this.#context
    try {
      const made = await connect(contact, signal)
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
