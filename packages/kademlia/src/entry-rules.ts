import { AddressLimits, hasRoomFor } from './address-limits.ts'
import type { Contact } from './contact.ts'
import type { Peer } from './ports.ts'
import type { ProfileRules } from './profile.ts'
import { type Puzzles, solvesDynamic, solvesStatic } from './puzzles.ts'
import type { RecordsOptions } from './record.ts'

/** Which nodes come into a table and which of those that are named a lookup looks at (discovery §1). */
export class EntryRules {
  readonly #self: Uint8Array
  readonly #limitsAddresses: boolean
  readonly #hash: RecordsOptions['hash'] | undefined
  readonly #static: number
  readonly #dynamic: number

  /** @throws TypeError where there are puzzles and nothing to hash with */
  constructor(
    self: Uint8Array,
    { puzzles = {}, records }: { readonly puzzles?: Puzzles; readonly records?: RecordsOptions },
    { limitsAddresses }: ProfileRules,
  ) {
    this.#self = self
    this.#limitsAddresses = limitsAddresses
    this.#hash = records?.hash
    this.#static = puzzles.static ?? 0
    this.#dynamic = puzzles.dynamic ?? 0
    if ((this.#static > 0 || this.#dynamic > 0) && !records)
      throw new TypeError('puzzles need the hash that records bring')
  }

  /** Whether a contact fits in beside those that are in the table. */
  admits(contact: Contact, known: () => Iterable<Contact>): boolean {
    return !this.#limitsAddresses || hasRoomFor(this.#self, contact, known())
  }

  /** Whether a connected node has paid for its id. */
  admitsPeer({ key, puzzle }: Peer): boolean {
    if (!key) return false
    if (!this.#paid(key)) return false
    const hash = this.#hash
    return !hash || solvesDynamic(key, puzzle, { bits: this.#dynamic, hash })
  }

  /** Whom one lookup looks at; what only the node itself can show is looked at when it is connected. */
  forLookup(target: Uint8Array): (contact: Contact) => boolean {
    const limits = this.#limitsAddresses ? new AddressLimits(target) : undefined
    return (contact) => this.#paid(contact.key) && (limits?.admit(contact) ?? true)
  }

  #paid(key: Uint8Array): boolean {
    return !this.#hash || solvesStatic(key, this.#static, this.#hash)
  }
}
