import type { DialTarget } from './ports.ts'

/** Addresses that wait to be tried. */
const MAX_WAITING = 256

/** How {@link Suggestions} are tried. */
export interface SuggestionsContext {
  /** Tries an address once; `onSettled` is told of its end. Returns false where it is not tried. */
  readonly dial: (target: DialTarget, onSettled: () => void) => boolean
  /** How many more may be tried now, while so many are. */
  readonly room: (trying: number) => number
  /** Nodes connected. */
  readonly connected: () => number
  /** What was suggested is tried, or is not needed. */
  readonly onIdle: () => void
}

/** Options of `suggest`. */
export interface SuggestOptions {
  /** They are tried until so many nodes are connected. @default as many as a full mesh has */
  readonly enough?: number
}

/** Addresses that may lead to nodes: each is tried once, a few at a time, while nodes are wanted. */
export class Suggestions {
  readonly #context: SuggestionsContext
  readonly #waiting: { readonly target: DialTarget; readonly enough: number }[] = []
  #trying = 0
  #started = false

  constructor(context: SuggestionsContext) {
    this.#context = context
  }

  get idle(): boolean {
    return this.#trying === 0 && this.#waiting.length === 0
  }

  add(
    targets: readonly DialTarget[],
    { enough = Number.POSITIVE_INFINITY }: SuggestOptions = {},
  ): void {
    for (const target of targets) {
      if (this.#waiting.length >= MAX_WAITING) break
      const known = this.#waiting.some((one) => one.target.address === target.address)
      if (!known) this.#waiting.push({ target, enough })
    }
    this.#next()
  }

  start(): void {
    this.#started = true
    this.#next()
  }

  stop(): void {
    this.#started = false
    this.#waiting.length = 0
  }

  #next(): void {
    if (!this.#started) return
    const { dial, room, connected, onIdle } = this.#context
    while (room(this.#trying) > 0) {
      const next = this.#waiting.shift()
      if (!next) break
      if (connected() >= next.enough) continue
      if (dial(next.target, () => this.#settled())) this.#trying++
    }
    // Where no more nodes are wanted, those that wait are not.
    if (this.#trying === 0) this.#waiting.length = 0
    if (this.idle) onIdle()
  }

  #settled(): void {
    this.#trying--
    this.#next()
  }
}
