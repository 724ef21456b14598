import type { SimNode } from './world.ts'

/** What is counted beside opcodes: answers of any kind, and connections that are begun. */
export const REPLY = -1
export const DIAL = -2

/** What is sent of one kind. */
export interface Sent {
  readonly messages: number
  readonly bytes: number
}

/** Counts what nodes send, by opcode. */
export class Traffic {
  readonly #sent = new Map<number, { messages: number; bytes: number }>()
  /** Whose messages count. */
  counts: (node: SimNode) => boolean = () => true

  message(from: SimNode, kind: number, body: number): void {
    if (!this.counts(from)) return
    let sent = this.#sent.get(kind)
    if (!sent) {
      sent = { messages: 0, bytes: 0 }
      this.#sent.set(kind, sent)
    }
    sent.messages++
    sent.bytes += body
  }

  of(kind: number): Sent {
    return this.#sent.get(kind) ?? { messages: 0, bytes: 0 }
  }

  kinds(): number[] {
    return [...this.#sent.keys()].toSorted((a, b) => a - b)
  }

  clear(): void {
    this.#sent.clear()
  }
}
