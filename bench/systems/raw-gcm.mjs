// The ceiling with cryptography: X25519, both sides' Ed25519 over what was exchanged, then one
// AES-256-GCM record a tick. A benchmark's handshake: it has no versions, names or ratchet.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto'
import { Cutter, ceiling } from './ceiling.mjs'

/** @import { KeyObject } from 'node:crypto' */
/** @import { Handshake } from './ceiling.mjs' */

const KEY = 32
const SIGNATURE = 64
const TAG = 16

const identity = generateKeyPairSync('ed25519')
const identityKey = raw(identity.publicKey)

// Raw keys go in and out as JWK (RFC 8037): OpenSSL 3 takes 60 to 300 µs to decode one from DER.

/** @param {KeyObject} key */
function raw(key) {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
}

/**
 * @param {'X25519' | 'Ed25519'} crv
 * @param {Buffer} key
 */
function imported(crv, key) {
  return createPublicKey({ key: { kty: 'OKP', crv, x: key.toString('base64url') }, format: 'jwk' })
}

/** @param {...Buffer} parts */
function hash(...parts) {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}

class Records {
  #sealKey
  #openKey
  #sealNonce = Buffer.alloc(12)
  #openNonce = Buffer.alloc(12)
  #sealed = 0
  #opened = 0
  #cutter = new Cutter()

  /**
   * @param {Buffer} sealKey
   * @param {Buffer} openKey
   */
  constructor(sealKey, openKey) {
    this.#sealKey = createSecretKey(sealKey)
    this.#openKey = createSecretKey(openKey)
  }

  /** @param {Buffer[]} parts */
  seal(parts) {
    const plaintext = parts.length === 1 ? /** @type {Buffer} */ (parts[0]) : Buffer.concat(parts)
    this.#sealNonce.writeUIntBE(this.#sealed++, 2, 6)
    const cipher = createCipheriv('aes-256-gcm', this.#sealKey, this.#sealNonce)
    const header = Buffer.allocUnsafe(4)
    header.writeUInt32BE(plaintext.length + TAG)
    const ciphertext = cipher.update(plaintext)
    cipher.final()
    const tag = cipher.getAuthTag()
    return plaintext.length < 4096
      ? [Buffer.concat([header, ciphertext, tag])]
      : [header, ciphertext, tag]
  }

  /**
   * @param {Buffer} chunk
   * @param {(bytes: Buffer) => void} onBytes
   */
  open(chunk, onBytes) {
    this.#cutter.feed(chunk, (record) => {
      this.#openNonce.writeUIntBE(this.#opened++, 2, 6)
      const decipher = createDecipheriv('aes-256-gcm', this.#openKey, this.#openNonce)
      decipher.setAuthTag(record.subarray(record.length - TAG))
      const plaintext = decipher.update(record.subarray(0, record.length - TAG))
      decipher.final()
      onBytes(plaintext)
    })
  }
}

/**
 * Dialer: `eI`. Listener: `eR | proof`. Dialer: `proof`. A proof is a record of key and signature.
 * @type {Handshake}
 */
async function handshake(socket, dialer) {
  const ephemeral = generateKeyPairSync('x25519')
  const own = raw(ephemeral.publicKey)
  const input = new Input(socket)
  if (dialer) socket.write(own)
  const peer = await input.take(KEY)
  const transcript = dialer ? hash(own, peer) : hash(peer, own)
  const shared = diffieHellman({
    privateKey: ephemeral.privateKey,
    publicKey: imported('X25519', peer),
  })
  const forward = hash(shared, transcript, Buffer.from('i>r'))
  const back = hash(shared, transcript, Buffer.from('r>i'))
  const records = dialer ? new Records(forward, back) : new Records(back, forward)

  const prove = (/** @type {Buffer[]} */ before) => {
    const signature = sign(null, transcript, identity.privateKey)
    const proof = records.seal([Buffer.concat([identityKey, signature])])
    socket.write(Buffer.concat([...before, ...proof]))
  }
  const check = async () => {
    const record = await input.take(4 + KEY + SIGNATURE + TAG)
    let proven = false
    records.open(record, (proof) => {
      const key = imported('Ed25519', proof.subarray(0, KEY))
      proven = verify(null, transcript, key, proof.subarray(KEY))
    })
    if (!proven) throw new Error('the peer did not prove its key')
  }
  if (dialer) {
    await check()
    prove([])
  } else {
    prove([own])
    await check()
  }
  input.release()
  return records
}

/** Takes exact numbers of bytes off a socket that is not flowing yet. */
class Input {
  #socket
  /** @type {(() => void) | undefined} */
  #wake
  /** @type {Error | undefined} */
  #error
  #onReadable = () => this.#wake?.()
  #onClose = () => {
    this.#error ??= new Error('closed during the handshake')
    this.#wake?.()
  }

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket
    socket.on('readable', this.#onReadable)
    socket.on('close', this.#onClose)
    socket.on('error', this.#onClose)
  }

  /**
   * @param {number} length
   * @returns {Promise<Buffer>}
   */
  take(length) {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        const bytes = this.#error ? null : this.#socket.read(length)
        if (!this.#error && bytes === null) return
        // Once: what comes before the next take is the next one's.
        this.#wake = undefined
        if (this.#error) reject(this.#error)
        else resolve(/** @type {Buffer} */ (bytes))
      }
      this.#wake()
    })
  }

  release() {
    this.#socket.off('readable', this.#onReadable)
    this.#socket.off('close', this.#onClose)
    this.#socket.off('error', this.#onClose)
  }
}

export const { serve, connect, open } = ceiling(handshake)
