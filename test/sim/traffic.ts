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
  /** Whose messages count; an answer is one of who asked. */
  counts: (node: SimNode) => boolean = () => true

  message([from, to]: readonly [SimNode, SimNode], kind: number, body: number): void {
    if (!this.counts(kind === REPLY ? to : from)) return
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

  /** Of all kinds but dials: how many messages, and the bytes of their bodies. */
  get said(): Sent {
    let messages = 0
    let bytes = 0
    for (const [kind, sent] of this.#sent) {
      if (kind === DIAL) continue
      messages += sent.messages
      bytes += sent.bytes
    }
    return { messages, bytes }
  }

  clear(): void {
    this.#sent.clear()
  }
}
