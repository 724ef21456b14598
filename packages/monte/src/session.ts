import {
  FrameDecoder,
  LocalProtocolError,
  MAX_HELLO_PACKET,
  MAX_LEGACY_PACKET,
  MAX_PACKET,
  Reader,
  RemoteProtocolError,
  TAG_LENGTH,
  Writer,
} from '@flatend/wire'
import { Batch } from './batch.ts'
import { type Hello, type HelloLimits, type LocalHello, readHello, writeHello } from './hello.ts'
import { firstTranscript, handshakeKeys, legacyKey, nextTranscript } from './key-schedule.ts'
import { readLegacyHello, writeLegacyHello } from './legacy-hello.ts'
import { Opener, Sealer } from './packets.ts'
import type { Address } from './ports.ts'
import type { Identity, KeyExchange, Suite } from './suite/suite.ts'

const KEY_LENGTH = 32
const SIGNATURE_LENGTH = 64
/** Top bit of an X25519 public key, which RFC 7748 §5 ignores: the offer of v2 (protocol §2). */
const OFFER_BYTE = 31
const OFFER_BIT = 0x80
const LABEL_LISTENER = new TextEncoder().encode('flatend/2 identity R\0')
const LABEL_DIALER = new TextEncoder().encode('flatend/2 identity I\0')
const OPCODE_HANDSHAKE = 0

export interface SessionOptions {
  readonly role: 'dialer' | 'listener'
  readonly suite: Suite
  readonly identity: Identity
  readonly hello: LocalHello
  readonly observed: Address | undefined
  readonly network: string
  readonly networkKey: Uint8Array | undefined
  readonly expectedKey: Uint8Array | undefined
  readonly legacy: boolean
  readonly helloLimits: HelloLimits
  readonly maxQueued: number
}

export interface SessionHandler {
  onOpen(hello: Hello): void
  onMessage(seq: number, code: number, body: Reader): void
}

type State = 'key' | 'hello' | 'open' | 'closed'

/**
 * One session as a state machine over bytes: `receive` what came, `takeOutput` what is to be sent.
 * It knows no link, clock or timer. All transitions are in this file.
 */
export class Session {
  readonly #options: SessionOptions
  readonly #handler: SessionHandler
  readonly #exchange: KeyExchange
  readonly #frames: FrameDecoder
  readonly #reader = new Reader(new Uint8Array(0))
  #state: State = 'key'
  #version: 1 | 2 = 2
  readonly #peerKey: Uint8Array = new Uint8Array(KEY_LENGTH)
  #peerKeyBytes = 0
  #ownKey: Uint8Array
  #transcript: Uint8Array = new Uint8Array(0)
  #sealer: Sealer | undefined
  #opener: Opener | undefined
  #batch: Batch | undefined
  #output: Uint8Array[] = []
  #unsent: readonly string[] = []

  constructor(options: SessionOptions, handler: SessionHandler) {
    this.#options = options
    this.#handler = handler
    this.#exchange = options.suite.keyExchange()
    this.#frames = new FrameDecoder(MAX_HELLO_PACKET)
    this.#ownKey = this.#exchange.publicKey.slice()
    this.#ownKey[OFFER_BYTE] = (this.#ownKey[OFFER_BYTE] as number) | OFFER_BIT
    if (options.role === 'dialer') this.#output.push(this.#ownKey)
  }

  get version(): 1 | 2 {
    return this.#version
  }
  get open(): boolean {
    return this.#state === 'open'
  }
  /** Services the hello had no room for; they follow in SERVICES messages. */
  get unsentServices(): readonly string[] {
    return this.#unsent
  }
  /** Plaintext bytes begun and not yet sealed. */
  get queued(): number {
    return this.#batch?.bytes ?? 0
  }

  receive(chunk: Uint8Array): void {
    if (this.#state === 'closed') return
    let rest = chunk
    if (this.#state === 'key') {
      rest = this.#receiveKey(chunk)
      if (this.#peerKeyBytes < KEY_LENGTH) return
    }
    this.#frames.push(rest)
    for (;;) {
      const frame = this.#frames.next()
      if (frame === undefined) return
      this.#receivePacket(frame)
      if ((this.#state as State) === 'closed') return
    }
  }

  begin(seq: number, code: number | undefined): Writer {
    if (this.#state !== 'open' || !this.#batch) {
      throw new LocalProtocolError(
        'FLATEND_MONTE_NOT_OPEN',
        'the session is not open: wait for onOpen, and send nothing after onClose',
      )
    }
    return this.#batch.begin(seq, code)
  }
  end(payload?: Uint8Array): void {
    this.#batch?.end(payload)
  }
  abort(): void {
    this.#batch?.abort()
  }

  /** Seals what was begun; everything to be written now, in order. */
  takeOutput(): Uint8Array[] {
    const output = this.#output
    this.#output = []
    if (this.#batch && this.#sealer)
      for (const pieces of this.#batch.take()) this.#sealer.seal(pieces, output)
    return output
  }

  /** Ends the session and overwrites every secret. */
  close(): void {
    this.#state = 'closed'
    this.#exchange.destroy()
    this.#sealer?.destroy()
    this.#opener?.destroy()
    this.#transcript.fill(0)
  }

  #receiveKey(chunk: Uint8Array): Uint8Array {
    const part = chunk.subarray(0, KEY_LENGTH - this.#peerKeyBytes)
    this.#peerKey.set(part, this.#peerKeyBytes)
    this.#peerKeyBytes += part.length
    if (this.#peerKeyBytes === KEY_LENGTH) this.#choose()
    return chunk.subarray(part.length)
  }

  #choose(): void {
    const { suite, role, legacy } = this.#options
    const offered = ((this.#peerKey[OFFER_BYTE] as number) & OFFER_BIT) !== 0
    this.#version = offered ? 2 : 1
    if (!offered && !legacy) {
      throw new RemoteProtocolError(
        'FLATEND_MONTE_LEGACY_REFUSED',
        'the peer speaks the 2020 protocol, which this node refuses: upgrade the peer, or allow it with legacy: true (--legacy)',
      )
    }
    if (this.#peerKey.every((byte, i) => byte === this.#ownKey[i])) {
      throw new RemoteProtocolError('FLATEND_MONTE_REFLECTION', 'the peer sent our own key back')
    }
    const shared = this.#exchange.agree(this.#peerKey)
    this.#exchange.destroy()
    if (!shared)
      throw new RemoteProtocolError('FLATEND_MONTE_LOW_ORDER', 'the peer sent a key of low order')
    this.#state = 'hello'
    if (this.#version === 1) {
      if (role === 'listener') this.#output.push(this.#exchange.publicKey)
      this.#startLegacy(shared)
    } else {
      if (role === 'listener') this.#output.push(this.#ownKey)
      this.#startHandshake(suite, shared)
    }
  }

  #startHandshake(suite: Suite, shared: Uint8Array): void {
    const { role, network, networkKey } = this.#options
    const dialing = role === 'dialer'
    const th0 = firstTranscript(suite, {
      prologue: network,
      dialerKey: dialing ? this.#ownKey : this.#peerKey,
      listenerKey: dialing ? this.#peerKey : this.#ownKey,
    })
    const keys = handshakeKeys(suite, th0, { shared, networkKey })
    this.#transcript = th0
    this.#sealer = new Sealer({ suite, v2: true, key: dialing ? keys.dialer : keys.listener })
    this.#opener = new Opener({ suite, v2: true, key: dialing ? keys.listener : keys.dialer })
    if (!dialing) this.#sendHello(LABEL_LISTENER)
  }

  /** Packet 0: hello and signature over the transcript so far. */
  #sendHello(label: Uint8Array): void {
    const { hello, identity, observed } = this.#options
    const body = new Writer({ max: MAX_HELLO_PACKET - TAG_LENGTH })
    const services = servicesThatFit(hello)
    this.#unsent = hello.services.slice(services.length)
    writeHello(body, hello, { publicKey: identity.publicKey, observed, services })
    const signed = new Writer({ max: MAX_HELLO_PACKET + 100 })
      .bytes(label)
      .bytes(this.#transcript)
      .bytes(body.view())
    body.bytes(identity.sign(signed.view()))
    this.#sealer?.seal([body.view()], this.#output)
    this.#transcript = nextTranscript(this.#options.suite, this.#transcript, body.view())
  }

  #receivePacket(frame: Uint8Array): void {
    const plaintext = (this.#opener as Opener).open(frame)
    if (this.#state === 'hello') {
      if (this.#version === 1) this.#receiveLegacyHello(plaintext)
      else this.#receiveHello(plaintext)
    } else if (this.#version === 1) this.#receiveLegacyMessage(plaintext)
    else this.#receiveMessages(plaintext)
  }

  #receiveHello(plaintext: Uint8Array): void {
    const { role, suite, helloLimits, identity, expectedKey } = this.#options
    const split = plaintext.length - SIGNATURE_LENGTH
    if (split < 0)
      throw new RemoteProtocolError('FLATEND_MONTE_HELLO', 'a hello too short for its signature')
    const reader = new Reader(plaintext, 0, split)
    const hello = readHello(reader, helloLimits)
    reader.expectEnd()
    const key = hello.publicKey as Uint8Array
    const label = role === 'dialer' ? LABEL_LISTENER : LABEL_DIALER
    const signed = new Writer({ max: MAX_HELLO_PACKET + 100 })
      .bytes(label)
      .bytes(this.#transcript)
      .bytes(plaintext.subarray(0, split))
    if (!suite.verify(key, signed.view(), plaintext.subarray(split))) {
      throw new RemoteProtocolError(
        'FLATEND_MONTE_SIGNATURE',
        'the hello is not signed by the key it names',
      )
    }
    if (equal(key, identity.publicKey))
      throw new RemoteProtocolError(
        'FLATEND_MONTE_SELF',
        'the peer has our own identity: this node dialed itself, or the key is in use twice',
      )
    if (expectedKey && !equal(key, expectedKey))
      throw new RemoteProtocolError(
        'FLATEND_MONTE_PINNED',
        'the peer is not who was dialed: another public key was expected',
      )
    this.#transcript = nextTranscript(suite, this.#transcript, plaintext)
    if (role === 'dialer') this.#sendHello(LABEL_DIALER)
    const th2 = this.#transcript
    this.#sealer?.ratchet(th2)
    this.#opener?.ratchet(th2)
    this.#frames.maxLength = MAX_PACKET
    this.#opened(hello, new Batch(true, MAX_PACKET - TAG_LENGTH, this.#options.maxQueued))
  }

  #opened(hello: Hello, batch: Batch): void {
    this.#batch = batch
    this.#state = 'open'
    this.#handler.onOpen(hello)
  }

  #receiveMessages(plaintext: Uint8Array): void {
    const reader = this.#reader
    let offset = 0
    while (offset < plaintext.length && this.#state === 'open') {
      const length = reader.reset(plaintext, offset, plaintext.length).u32()
      const start = offset + 4
      if (length < 5 || length > plaintext.length - start) {
        throw new RemoteProtocolError(
          'FLATEND_MONTE_MESSAGE_LENGTH',
          `a message of ${length} bytes in a packet with ${plaintext.length - start} left`,
        )
      }
      offset = start + length
      reader.reset(plaintext, start, offset)
      this.#handler.onMessage(reader.u32(), reader.u8(), reader)
    }
  }

  // --- v1 ---

  #startLegacy(shared: Uint8Array): void {
    const { suite, role, hello, identity } = this.#options
    const key = legacyKey(suite, shared)
    this.#sealer = new Sealer({ suite, v2: false, key: key.slice() })
    this.#opener = new Opener({ suite, v2: false, key })
    this.#frames.maxLength = MAX_PACKET
    if (role === 'listener') return
    const body = new Writer().u32(1).u8(OPCODE_HANDSHAKE)
    writeLegacyHello(body, hello, identity)
    this.#sealer.seal([body.view()], this.#output)
  }

  #receiveLegacyHello(plaintext: Uint8Array): void {
    const { role, suite, helloLimits, hello, identity } = this.#options
    const reader = new Reader(plaintext)
    const seq = reader.u32()
    const body = role === 'dialer' ? plaintext.subarray(4) : plaintext.subarray(5)
    if (role === 'dialer' ? seq !== 1 : reader.u8() !== OPCODE_HANDSHAKE || seq % 2 !== 1) {
      throw new RemoteProtocolError(
        'FLATEND_MONTE_LEGACY_HELLO',
        'the first v1 message is not a handshake',
      )
    }
    const peer = readLegacyHello(suite, body, helloLimits)
    if (role === 'listener') {
      const reply = new Writer().u32(seq)
      writeLegacyHello(reply, hello, identity)
      this.#sealer?.seal([reply.view()], this.#output)
    }
    this.#opened(peer, new Batch(false, MAX_LEGACY_PACKET - TAG_LENGTH, this.#options.maxQueued))
  }

  #receiveLegacyMessage(plaintext: Uint8Array): void {
    const reader = this.#reader.reset(plaintext, 0, plaintext.length)
    const seq = reader.u32()
    // A message whose seq has our own parity is a reply, and has no opcode.
    const own = this.#options.role === 'dialer' ? 1 : 0
    const reply = seq !== 0 && seq % 2 === own
    this.#handler.onMessage(seq, reply ? 0 : reader.u8(), reader)
  }
}

function servicesThatFit({ services }: LocalHello): readonly string[] {
  let room = MAX_HELLO_PACKET / 2
  let count = 0
  for (const service of services) {
    room -= service.length * 3 + 1
    if (room < 0) break
    count++
  }
  return services.slice(0, count)
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number)
  return difference === 0
}
