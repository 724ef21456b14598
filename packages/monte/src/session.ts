import {
  FrameDecoder,
  MAX_HELLO_PACKET,
  MAX_LEGACY_PACKET,
  MAX_PACKET,
  Reader,
  RemoteProtocolError,
  TAG_LENGTH,
  Writer,
} from '@flatend/wire'
import { Batch } from './batch.ts'
import { equal } from './equal.ts'
import { type Hello, type PackedHello, packHello } from './hello.ts'
import { checkHello, signHello } from './identity-proof.ts'
import { firstTranscript, handshakeKeys, legacyKey, nextTranscript } from './key-schedule.ts'
import { readLegacyHello, writeLegacyHello } from './legacy-hello.ts'
import { Opener, Sealer } from './packets.ts'
import { PeerKey } from './peer-key.ts'
import { badLength, legacyRefused, notLegacyHello, notOpen } from './session-errors.ts'
import { checkOptions, type SessionHandler, type SessionOptions } from './session-options.ts'
import type { KeyExchange } from './suite/suite.ts'

/** Top bit of an X25519 public key, which RFC 7748 §5 ignores: the offer of v2 (protocol §2). */
const OFFER_BYTE = 31
const OFFER_BIT = 0x80
const OPCODE_HANDSHAKE = 0
/** seq of the dialer's v1 handshake, and so of the listener's answer. */
const LEGACY_HANDSHAKE_SEQ = 1
/** Each costs us a signature and a check of one. */
const MAX_LEGACY_REPEATS = 16
/** `u32 seq | u8 opcode or status`. */
const MESSAGE_HEAD = 5
const NOTHING = new Uint8Array(0)

/**
 * key: waits for the peer's key. hello: waits for its hello. open: messages. deaf: the peer broke
 * the rules, an END may still be sent. closed: nothing.
 */
type State = 'key' | 'hello' | 'open' | 'deaf' | 'closed'

/**
 * One session as a state machine over bytes: `receive` what came, then send what `takeOutput` gives.
 * It knows no link, clock or timer. All transitions, of both versions, are in this file.
 */
export class Session {
  readonly #options: SessionOptions
  readonly #handler: SessionHandler
  readonly #exchange: KeyExchange
  readonly #frames = new FrameDecoder(MAX_HELLO_PACKET)
  readonly #reader = new Reader(NOTHING)
  /** As sent: bit included. */
  readonly #ownKey: Uint8Array
  readonly #peerKey = new PeerKey()
  #state: State = 'key'
  #version: 1 | 2 = 2
  #packed: PackedHello
  #transcript: Uint8Array = NOTHING
  #sealer: Sealer | undefined
  #opener: Opener | undefined
  #batch: Batch | undefined
  #output: Uint8Array[] = []
  #outputBytes = 0
  /** Key of the v1 peer's handshake, and how often it was said again. */
  #legacyPeer: Uint8Array = NOTHING
  #repeats = 0

  /** @throws LocalProtocolError where an option cannot be said in the protocol */
  constructor(options: SessionOptions, handler: SessionHandler) {
    const { suite, role, hello, identity, observed } = options
    checkOptions(options)
    this.#options = options
    this.#handler = handler
    this.#packed = packHello(hello, { publicKey: identity.publicKey, observed })
    this.#exchange = suite.keyExchange()
    this.#ownKey = this.#exchange.publicKey.slice()
    this.#ownKey[OFFER_BYTE] = (this.#ownKey[OFFER_BYTE] as number) | OFFER_BIT
    if (role === 'dialer') this.#send(this.#ownKey)
  }

  /** Known once the peer's key is there. */
  get version(): 1 | 2 {
    return this.#version
  }
  /** Messages may be sent. */
  get open(): boolean {
    return this.#state === 'open' || this.#state === 'deaf'
  }
  /** The peer stopped in the middle of a key or a packet. */
  get partial(): boolean {
    return this.#frames.partial || this.#peerKey.partial
  }
  /** What the peer said was no key: it speaks another protocol. */
  get foreign(): RemoteProtocolError | undefined {
    return this.#state === 'key' ? this.#peerKey.foreign : undefined
  }
  /** Services the hello had no room for. */
  get unsentServices(): readonly string[] {
    return this.#packed.unsent
  }
  /** Bytes that wait for {@link Session.takeOutput}, sealed or not. */
  get queued(): number {
    return this.#outputBytes + (this.#batch?.bytes ?? 0)
  }

  /**
   * Takes bytes of the peer, in whatever pieces; the session keeps views of them.
   * @throws RemoteProtocolError where it broke the rules: nothing more is read, and before the
   * session was open nothing more is sent
   */
  receive(chunk: Uint8Array): void {
    if (this.#state === 'deaf' || this.#state === 'closed') return
    try {
      const rest = this.#state === 'key' ? this.#receiveKey(chunk) : chunk
      if (!this.#peerKey.complete) return
      this.#frames.push(rest)
      for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) {
        this.#receivePacket(frame)
        // A handler may have closed the session.
        if ((this.#state as State) === 'closed') return
      }
    } catch (error) {
      if (this.#state === 'open') this.#deafen()
      else this.close()
      throw error
    }
  }

  /** Begins a message: an opcode for a request, a status for a reply, nothing for a v1 reply. */
  begin(seq: number, code: number | undefined): Writer {
    if (!this.#batch || !this.open) throw notOpen()
    return this.#batch.begin(seq, code)
  }
  /** Ends it; see {@link Batch.end}. */
  end(payload?: Uint8Array): void {
    this.#batch?.end(payload)
  }
  /** Forgets it. */
  abort(): void {
    this.#batch?.abort()
  }
  /** Gives memory back that a burst needed. */
  shrink(): void {
    this.#batch?.shrink()
  }

  /** Seals what was begun and ended. @returns everything to be written now, in order */
  takeOutput(): Uint8Array[] {
    if (this.open) this.#batch?.flush()
    const output = this.#output
    if (output.length === 0) return output
    this.#output = []
    this.#outputBytes = 0
    return output
  }

  /** Ends the session and overwrites every secret. */
  close(): void {
    this.#state = 'closed'
    this.#exchange.destroy()
    this.#sealer?.destroy()
    this.#opener?.destroy()
    this.#transcript.fill(0)
    this.#output = []
    this.#outputBytes = 0
    this.#batch = undefined
  }

  #deafen(): void {
    this.#state = 'deaf'
    this.#opener?.destroy()
    this.#batch?.abort()
  }

  #send(bytes: Uint8Array): void {
    this.#output.push(bytes)
    this.#outputBytes += bytes.length
  }

  #seal(pieces: readonly Uint8Array[]): void {
    this.#outputBytes += (this.#sealer as Sealer).seal(pieces, this.#output)
  }

  // --- key ---

  #receiveKey(chunk: Uint8Array): Uint8Array {
    const rest = this.#peerKey.take(chunk)
    if (this.#peerKey.complete) this.#choose()
    return rest
  }

  /** Offer and choice by the top bit (protocol §2). */
  #choose(): void {
    const { role, legacy } = this.#options
    if (this.foreign) throw this.foreign
    this.#version = (this.#peerKey.bytes[OFFER_BYTE] as number) & OFFER_BIT ? 2 : 1
    if (this.#version === 1 && !legacy) throw legacyRefused()
    if (this.#reflected()) {
      throw new RemoteProtocolError('FLATEND_MONTE_REFLECTION', 'the peer sent our own key back')
    }
    const shared = this.#exchange.agree(this.#peerKey.bytes)
    this.#exchange.destroy()
    if (!shared)
      throw new RemoteProtocolError('FLATEND_MONTE_LOW_ORDER', 'the peer sent a key of low order')
    this.#state = 'hello'
    if (role === 'listener')
      this.#send(this.#version === 2 ? this.#ownKey : this.#exchange.publicKey)
    if (this.#version === 2) this.#startHandshake(shared)
    else this.#startLegacy(shared)
  }

  /** The same point, whatever the bit says: v1 too has nothing to say to itself. */
  #reflected(): boolean {
    const difference = this.#peerKey.bytes.map((byte, i) => byte ^ (this.#ownKey[i] as number))
    difference[OFFER_BYTE] = (difference[OFFER_BYTE] as number) & ~OFFER_BIT
    return difference.every((byte) => byte === 0)
  }

  // --- v2 (protocol §3) ---

  #startHandshake(shared: Uint8Array): void {
    const { role, suite, network = '', networkKey, packetsPerKey } = this.#options
    const dialing = role === 'dialer'
    this.#transcript = firstTranscript(suite, {
      prologue: network,
      dialerKey: dialing ? this.#ownKey : this.#peerKey.bytes,
      listenerKey: dialing ? this.#peerKey.bytes : this.#ownKey,
    })
    const keys = handshakeKeys(suite, this.#transcript, { shared, networkKey })
    const common = { suite, v2: true, ...(packetsPerKey === undefined ? {} : { packetsPerKey }) }
    this.#sealer = new Sealer({ ...common, key: dialing ? keys.dialer : keys.listener })
    this.#opener = new Opener({ ...common, key: dialing ? keys.listener : keys.dialer })
    if (!dialing) this.#sendHello()
  }

  #sendHello(): void {
    const { role, identity } = this.#options
    const { body, unsent } = this.#packed
    const plaintext = signHello(identity, body, { role, transcript: this.#transcript })
    this.#seal([plaintext])
    this.#absorb(plaintext)
    this.#packed = { body: NOTHING, unsent }
  }

  #receiveHello(plaintext: Uint8Array): void {
    const { role, suite, helloLimits: limits } = this.#options
    const hello = checkHello(suite, plaintext, {
      role: role === 'dialer' ? 'listener' : 'dialer',
      transcript: this.#transcript,
      limits,
    })
    this.#checkPeer(hello)
    this.#absorb(plaintext)
    if (role === 'dialer') this.#sendHello()
    this.#sealer?.ratchet(this.#transcript)
    this.#opener?.ratchet(this.#transcript)
    this.#transcript.fill(0)
    this.#frames.maxLength = MAX_PACKET
    this.#opened(hello, { framed: true, maxPacket: MAX_PACKET - TAG_LENGTH })
  }

  #absorb(plaintext: Uint8Array): void {
    const before = this.#transcript
    this.#transcript = nextTranscript(this.#options.suite, before, plaintext)
    before.fill(0)
  }

  #checkPeer(hello: Hello): void {
    const { identity, expectedKey } = this.#options
    const key = hello.publicKey
    if (key && equal(key, identity.publicKey)) {
      throw new RemoteProtocolError(
        'FLATEND_MONTE_SELF',
        'the peer has our own identity: this node dialed itself, or the key is in use twice',
      )
    }
    if (expectedKey && !(key && equal(key, expectedKey))) {
      throw new RemoteProtocolError(
        'FLATEND_MONTE_PINNED',
        'the peer is not who was dialed: another public key was expected',
      )
    }
    this.#handler.onProven?.(hello)
  }

  #receiveMessages(plaintext: Uint8Array): void {
    const reader = this.#reader
    const total = plaintext.length
    if (total === 0) throw badLength(0, 0)
    let offset = 0
    while (offset < total && this.#state === 'open') {
      const length = reader.reset(plaintext, offset, total).u32()
      const start = reader.offset
      if (length < MESSAGE_HEAD || length > total - start) throw badLength(length, total - start)
      offset = start + length
      reader.reset(plaintext, start, offset)
      this.#handler.onMessage(reader.u32(), reader.u8(), reader)
    }
  }

  // --- v1 (protocol §1) ---

  #startLegacy(shared: Uint8Array): void {
    const { suite, role } = this.#options
    const key = legacyKey(suite, shared)
    this.#sealer = new Sealer({ suite, v2: false, key: key.slice() })
    this.#opener = new Opener({ suite, v2: false, key })
    this.#frames.maxLength = MAX_PACKET
    if (role === 'dialer')
      this.#sendLegacyHello(new Writer().u32(LEGACY_HANDSHAKE_SEQ).u8(OPCODE_HANDSHAKE))
  }

  #sendLegacyHello(message: Writer): void {
    const { hello, identity } = this.#options
    this.#packed = { body: NOTHING, unsent: writeLegacyHello(message, hello, identity) }
    this.#seal([message.view()])
  }

  #receiveLegacyHello(plaintext: Uint8Array): void {
    const { role, suite, helloLimits } = this.#options
    const reader = new Reader(plaintext)
    const seq = reader.u32()
    const expected =
      role === 'dialer'
        ? seq === LEGACY_HANDSHAKE_SEQ
        : seq % 2 === 1 && reader.u8() === OPCODE_HANDSHAKE
    if (!expected) throw notLegacyHello('the first v1 message is not a handshake')
    const peer = readLegacyHello(suite, reader.rest(), helloLimits)
    this.#checkPeer(peer)
    this.#legacyPeer = peer.publicKey ?? NOTHING
    if (role === 'listener') this.#sendLegacyHello(new Writer().u32(seq))
    this.#opened(peer, { framed: false, maxPacket: MAX_LEGACY_PACKET - TAG_LENGTH })
  }

  #receiveLegacyMessage(plaintext: Uint8Array): void {
    const reader = this.#reader.reset(plaintext, 0, plaintext.length)
    const seq = reader.u32()
    // A message whose seq has our own parity is a reply, and has no opcode.
    const own = this.#options.role === 'dialer' ? 1 : 0
    const reply = seq !== 0 && seq % 2 === own
    const code = reply ? 0 : reader.u8()
    if (!reply && code === OPCODE_HANDSHAKE) this.#repeatLegacyHello(seq, reader)
    else this.#handler.onMessage(seq, code, reader)
  }

  /**
   * The 2020 Go SDK says its handshake again each time it looks for nodes, its services in another
   * order, and waits for ours.
   */
  #repeatLegacyHello(seq: number, body: Reader): void {
    const { role, suite, helloLimits } = this.#options
    if (role === 'dialer' || seq % 2 === 0 || this.#repeats === MAX_LEGACY_REPEATS)
      throw notLegacyHello('the peer sent a handshake too many')
    this.#repeats++
    const { publicKey = NOTHING } = readLegacyHello(suite, body.rest(), helloLimits)
    if (!equal(publicKey, this.#legacyPeer))
      throw notLegacyHello('the peer sent a handshake with another key')
    this.#sendLegacyHello(new Writer().u32(seq))
  }

  // --- both ---

  #receivePacket(frame: Uint8Array): void {
    const plaintext = (this.#opener as Opener).open(frame)
    if (this.#state === 'open') {
      if (this.#version === 2) this.#receiveMessages(plaintext)
      else this.#receiveLegacyMessage(plaintext)
    } else if (this.#version === 2) this.#receiveHello(plaintext)
    else this.#receiveLegacyHello(plaintext)
  }

  #opened(hello: Hello, packets: { readonly framed: boolean; readonly maxPacket: number }): void {
    this.#batch = new Batch({ ...packets, seal: (pieces) => this.#seal(pieces) })
    this.#state = 'open'
    this.#handler.onOpen(hello)
  }
}
