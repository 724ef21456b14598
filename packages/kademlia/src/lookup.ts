import type { Contact } from './contact.ts'
import { compareDistance, toHex } from './id.ts'

type State = 'new' | 'asked' | 'slow' | 'answered' | 'failed' | 'taken'

interface Candidate {
  readonly contact: Contact
  state: State
}

/** Options of {@link Lookup}. */
export interface LookupOptions {
  readonly target: Uint8Array
  /** Our own id, never asked. */
  readonly self: Uint8Array
  /** Where to begin: the nearest contacts known. */
  readonly start: readonly Contact[]
  /** Nodes in the result. @default 16 */
  readonly k?: number
  /** Requests under way at a time. @default 3 */
  readonly alpha?: number
  /**
   * Asked before a node is: whether it is this lookup's to ask. One that another path has taken is
   * neither asked nor in the result, and this lookup does not look beyond it.
   * @default everybody is
   */
  readonly claim?: (key: Uint8Array) => boolean
  /** Asked of each contact that is named, once: whether it is looked at. @default everybody is */
  readonly admit?: (contact: Contact) => boolean
}

/** Candidates remembered for one node of the result: what a lying peer can make us hold. */
const CANDIDATES_PER_NODE = 16
/** Contacts taken from one answer. */
const MAX_PER_ANSWER = 32

/**
 * The search for the nodes nearest to a target (Maymounkov & Mazières 2002, §2.3) as a state
 * machine: ask whom `next` names, tell what came of it. It ends when the k nearest nodes that did
 * not fail have all answered, or nobody is left; only nodes that answered are in the result.
 */
export class Lookup {
  readonly target: Uint8Array
  readonly #self: string
  readonly #k: number
  readonly #alpha: number
  readonly #claim: (key: Uint8Array) => boolean
  readonly #admit: (contact: Contact) => boolean
  readonly #candidates: Candidate[] = []
  readonly #known = new Map<string, Candidate>()
  #underWay = 0

  constructor(options: LookupOptions) {
    const { target, self, start, k = 16, alpha = 3 } = options
    const { claim = () => true, admit = () => true } = options
    this.target = target
    this.#self = toHex(self)
    this.#k = k
    this.#alpha = alpha
    this.#claim = claim
    this.#admit = admit
    for (const contact of start) this.#add(contact)
  }

  /** Nodes remembered, whatever became of them. */
  get candidates(): number {
    return this.#candidates.length
  }

  /** Whether nothing is left to do. */
  get done(): boolean {
    return this.#nearest().every(({ state }) => state === 'answered' || state === 'taken')
  }

  /** Whom to ask now; empty while enough requests are under way. */
  next(): Contact[] {
    const ask: Contact[] = []
    for (const candidate of this.#nearest()) {
      if (this.#underWay >= this.#alpha) break
      if (candidate.state !== 'new') continue
      if (!this.#claim(candidate.contact.key)) {
        candidate.state = 'taken'
        continue
      }
      candidate.state = 'asked'
      this.#underWay++
      ask.push(candidate.contact)
    }
    return ask
  }

  /** A node answered with the contacts nearest to the target that it knows. */
  answered(key: Uint8Array, contacts: readonly Contact[]): void {
    if (!this.#settle(key, 'answered')) return
    for (const contact of contacts.slice(0, MAX_PER_ANSWER)) this.#add(contact)
  }

  /** A node takes long: another may be asked meanwhile, its answer still counts. */
  slow(key: Uint8Array): void {
    const candidate = this.#known.get(toHex(key))
    if (candidate?.state !== 'asked') return
    candidate.state = 'slow'
    this.#underWay--
  }

  /** A node did not answer, here or on the path that took it. */
  failed(key: Uint8Array): void {
    const candidate = this.#known.get(toHex(key))
    if (candidate?.state === 'taken') candidate.state = 'failed'
    else this.#settle(key, 'failed')
  }

  /** The nearest nodes that answered, nearest first. */
  result(): Contact[] {
    return this.answers().slice(0, this.#k)
  }

  /** All that answered and are remembered, nearest first. */
  answers(): Contact[] {
    const answered = this.#candidates.filter(({ state }) => state === 'answered')
    return answered.map(({ contact }) => contact)
  }

  /** Returns whether it was asked and not heard of since. */
  #settle(key: Uint8Array, state: State): boolean {
    const candidate = this.#known.get(toHex(key))
    if (candidate?.state !== 'asked' && candidate?.state !== 'slow') return false
    if (candidate.state === 'asked') this.#underWay--
    candidate.state = state
    return true
  }

  /** The k nearest candidates that did not fail. */
  #nearest(): Candidate[] {
    const nearest: Candidate[] = []
    for (const candidate of this.#candidates) {
      if (nearest.length === this.#k) break
      if (candidate.state !== 'failed') nearest.push(candidate)
    }
    return nearest
  }

  #add(contact: Contact): void {
    const hex = toHex(contact.key)
    if (hex === this.#self || this.#known.has(hex)) return
    const candidate: Candidate = { contact, state: 'new' }
    let low = 0
    let high = this.#candidates.length
    while (low < high) {
      const middle = (low + high) >> 1
      const other = (this.#candidates[middle] as Candidate).contact.key
      if (compareDistance(this.target, other, contact.key) < 0) low = middle + 1
      else high = middle
    }
    if (low >= this.#k * CANDIDATES_PER_NODE || !this.#admit(contact)) return
    this.#candidates.splice(low, 0, candidate)
    this.#known.set(hex, candidate)
    if (this.#candidates.length > this.#k * CANDIDATES_PER_NODE) this.#forgetFarthest()
  }

  /** Of who was asked the name is remembered, so that nobody is asked twice. */
  #forgetFarthest(): void {
    const at = this.#candidates.findLastIndex(({ state }) => state !== 'asked' && state !== 'slow')
    const [farthest] = this.#candidates.splice(at, 1)
    if (farthest?.state === 'new') this.#known.delete(toHex(farthest.contact.key))
  }
}
