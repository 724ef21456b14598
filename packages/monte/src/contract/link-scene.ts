import type { Link, LinkReceiver } from '../ports.ts'
import { ContractError, joined } from './expect.ts'

/** Two ends of one connection, nobody attached yet, and time. */
export interface LinkScene {
  readonly near: Link
  readonly far: Link
  /** Lets a little time pass: a millisecond or so, real or virtual. */
  turn(): Promise<void>
}

/** One promise a link makes. */
export interface LinkCase {
  readonly name: string
  /** @throws Error where the promise is not kept */
  readonly run: (make: () => Promise<LinkScene>) => Promise<void>
}

/** Turns something may take before it counts as missing. */
const PATIENCE = 5_000
/** Turns after which what has not come will not come. */
const SILENCE = 40

/** Passes time until `condition` holds. @throws ContractError where it never does */
export async function until(
  scene: LinkScene,
  condition: () => boolean,
  what: string,
): Promise<void> {
  for (let turns = 0; turns < PATIENCE; turns++) {
    if (condition()) return
    await scene.turn()
  }
  throw new ContractError(`${what}: it did not happen`)
}

/** Passes enough time for what should not happen. */
export async function silence(scene: LinkScene): Promise<void> {
  for (let turns = 0; turns < SILENCE; turns++) await scene.turn()
}

/** Writes everything, waiting for each drain that is due. */
export class Writing {
  readonly #link: Link
  readonly #chunks: Uint8Array[]
  #waiting = false
  /** Writes that gave false. */
  refusals = 0

  constructor(link: Link, chunks: readonly Uint8Array[]) {
    this.#link = link
    this.#chunks = [...chunks]
  }

  get done(): boolean {
    return this.#chunks.length === 0 && !this.#waiting
  }

  go(): void {
    while (!this.#waiting) {
      const chunk = this.#chunks.shift()
      if (!chunk) return
      if (this.#link.write([chunk])) continue
      this.refusals++
      this.#waiting = true
    }
  }

  drained(): void {
    this.#waiting = false
    this.go()
  }
}

/** Keeps everything a link says. */
export class Recorder implements LinkReceiver {
  readonly chunks: Uint8Array[] = []
  drains = 0
  ends = 0
  readonly closes: (Error | undefined)[] = []
  /** Events after onClose, and data after onEnd. */
  readonly late: string[] = []
  onDataHook: (() => void) | undefined
  onDrainHook: (() => void) | undefined

  static on(link: Link): Recorder {
    const recorder = new Recorder()
    link.attach(recorder)
    return recorder
  }

  get length(): number {
    return this.chunks.reduce((total, { length }) => total + length, 0)
  }
  get bytes(): Uint8Array {
    return joined(this.chunks)
  }

  onData(chunk: Uint8Array): void {
    if (this.ends > 0) this.late.push('data after the end')
    this.#check('data')
    this.chunks.push(chunk)
    this.onDataHook?.()
  }
  onDrain(): void {
    this.#check('drain')
    this.drains++
    this.onDrainHook?.()
  }
  onEnd(): void {
    this.#check('end')
    this.ends++
  }
  onClose(error?: Error): void {
    this.#check('close')
    this.closes.push(error)
  }

  #check(event: string): void {
    if (this.closes.length > 0) this.late.push(`${event} after the close`)
  }
}
