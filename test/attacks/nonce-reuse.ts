import { pattern } from '../support/pattern.cjs'
import { freePort } from '../support/processes.ts'
import { startNode } from '../support/remote-node.ts'
import type { Attack, Outcome } from './attack.ts'
import { type AadOf, authenticationKey, forge } from './support/ghash.ts'
import { type Passing, type Recording, Tap } from './support/tap.ts'
import { failureOf, type Sdk } from './support/victims.ts'

/** A document anybody may read: the attacker knows it. */
const DOCUMENT_BYTES = 400
/** What one user sends, and the attacker does not know but would recognise. */
const SECRET = 'password=correct-horse-battery-staple;'
const LOOKS_SECRET = /password=[a-z-]{12,};/

/** A provider that can only be reached through a tap, and a caller behind it. */
async function tapped(
  sdk: Sdk,
  { service, onPacket }: { service: string; onPacket?: (passing: Passing) => Buffer },
) {
  const target = await freePort()
  const tap = await Tap.open({ target, ...(onPacket ? { onPacket } : {}) })
  const provider = await startNode({
    sdk,
    identified: true,
    publicAddr: `127.0.0.1:${tap.port}`,
    bindAddrs: [`127.0.0.1:${target}`],
    services: [service],
  })
  const caller = await startNode({ sdk, addrs: [`127.0.0.1:${tap.port}`] })
  return { tap, provider, caller }
}

const xor = (a: Uint8Array, b: Uint8Array): Buffer =>
  Buffer.from(a.subarray(0, b.length).map((byte, i) => byte ^ (b[i] as number)))

/** Lays known text over the XOR of any two packets of the two directions, at every offset. */
function dragCrib({ dialer, listener }: Recording, crib: Buffer): string | undefined {
  for (const one of dialer) {
    for (const other of listener) {
      const mixed = xor(one, other)
      for (let at = 0; at < mixed.length; at += 1) {
        const text = xor(crib, mixed.subarray(at)).toString('latin1')
        const found = LOOKS_SECRET.exec(text)
        if (found) return found[0]
      }
    }
  }
  return undefined
}

async function recover(sdk: Sdk): Promise<Outcome> {
  const { tap, caller } = await tapped(sdk, { service: 'big' })
  const reply = await caller.call({
    services: ['big'],
    headers: { bytes: String(DOCUMENT_BYTES) },
    text: SECRET,
  })
  const crib = Buffer.concat([...pattern(DOCUMENT_BYTES)])
  const found = tap.recordings.map((recording) => dragCrib(recording, crib)).find(Boolean)
  return {
    succeeded: found === SECRET,
    evidence: found
      ? `all ${found.length} bytes of the secret read: \`${found}\``
      : 'known text over every pair of packets at every offset gives nothing',
    figures: { packets: tap.packets, answered: reply.bytes },
  }
}

const recovery: Attack = {
  id: 'keystream-reuse',
  title: 'Recorder of both directions reads a request, knowing the answer to it',
  what2020: 'One key and the same nonces serve both directions, so two packets share a keystream',
  whatOurs: 'Each direction has a key of its own: no keystream is ever used twice',
  run2020: async () => await recover('2020'),
  runOurs: async () => await recover('ours'),
}

const ORDER = 'pay 0000100 to bob'
const FORGED = 'pay 9999999 to eve'

/** v1 authenticates no length, v2 its four bytes. */
const aad: Readonly<Record<Sdk, AadOf>> = {
  2020: () => Buffer.alloc(0),
  ours: (packet) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(packet.length)
    return length
  },
}

const TAG = 16
/** The empty DATA that ends a body in v2: `u32 len | u32 seq | u8 op | u32 stream | u16 0`. */
const END_OF_BODY = 15

/** Where the order lies in a packet; -1 where it is another packet. All of this shows on the wire. */
const orderAt: Readonly<Record<Sdk, (packet: Buffer) => number>> = {
  // One message a packet: `u32 seq | u8 op | u32 stream | u16 len | order`.
  2020: ({ length }) => (length === 11 + ORDER.length + TAG ? 11 : -1),
  // The whole request is one packet, and no other is as long.
  ours: ({ length }) => (length > 80 ? length - TAG - END_OF_BODY - ORDER.length : -1),
}

/** Changes the caller's order on its way, with the key where it was found. */
class Forger {
  forged = false
  key: bigint | undefined
  readonly #sdk: Sdk

  constructor(sdk: Sdk) {
    this.#sdk = sdk
  }

  readonly onPacket = ({ direction, index, packet, recording }: Passing): Buffer => {
    // The first packet is the handshake.
    const at = direction === 'dialer' && index > 0 ? orderAt[this.#sdk](packet) : -1
    if (at < 0 || this.forged) return packet
    const aadOf = aad[this.#sdk]
    const { dialer, listener } = recording
    const pairs = dialer
      .slice(0, listener.length)
      .map((one, i) => [one, listener[i] as Buffer] as const)
    this.key = authenticationKey(pairs, aadOf)
    this.forged = true
    const bytes = xor(Buffer.from(ORDER), Buffer.from(FORGED))
    // Without the key all that is left is a guess.
    return forge(packet, { at, bytes }, { key: this.key ?? 1n, aadOf })
  }
}

async function forgeOrder(sdk: Sdk): Promise<Outcome> {
  const forger = new Forger(sdk)
  const { caller } = await tapped(sdk, { service: 'pipe', onPacket: forger.onPacket })
  const call = caller.call({ services: ['pipe'], text: ORDER, timeoutMs: 5_000 })
  const failure = await failureOf(call)
  if (!forger.forged) throw new Error('the order never passed the attacker')
  const answer = failure === undefined ? ((await call).text ?? '') : ''
  return {
    succeeded: answer === FORGED,
    evidence:
      answer === FORGED
        ? `authentication key computed, the provider got \`${FORGED}\` for \`${ORDER}\``
        : `${forger.key === undefined ? 'no key can be computed' : 'a wrong key'}, the changed packet ends the session`,
    figures: { key: forger.key?.toString(16) ?? 'none', failure: failure ?? 'none' },
  }
}

const forgery: Attack = {
  id: 'forgery',
  title: 'Somebody on the way computes the GCM authentication key and changes a request',
  what2020:
    'Two pairs of packets with a nonce each are two polynomials whose common root is the key',
  whatOurs: 'The polynomials have no root in common, as no nonce repeats under a key',
  run2020: async () => await forgeOrder('2020'),
  runOurs: async () => await forgeOrder('ours'),
}

export const nonceReuse: readonly Attack[] = [recovery, forgery]
