import { Writer } from '@flatend/wire'
import { Sealer } from '../../src/packets.ts'
import { nodeSuite } from '../../src/suite/node.ts'
import type { Cipher, Identity, Suite } from '../../src/suite/suite.ts'
import { fixedSuite, identityOf, Party } from './sessions.ts'
import { join } from './vectors.ts'

/** A suite that keeps every text it opened and every key it was given. */
export function listeningSuite(secret: number): Suite & {
  readonly texts: Uint8Array[]
  readonly keys: Uint8Array[]
} {
  const suite = fixedSuite(new Uint8Array(32).fill(secret))
  const texts: Uint8Array[] = []
  const keys: Uint8Array[] = []
  const cipher = (key: Uint8Array): Cipher => {
    keys.push(key.slice())
    const own = nodeSuite.cipher(key)
    return {
      seal: (nonce, aad, pieces) => own.seal(nonce, aad, pieces),
      open(nonce, aad, sealed) {
        const text = own.open(nonce, aad, sealed)
        if (text) texts.push(text.slice())
        return text
      },
      destroy: () => own.destroy(),
    }
  }
  return { ...suite, cipher, texts, keys }
}

/** What somebody proved in a session with Mallory: the signature at the end of its packet 0. */
export function provenBy(role: 'dialer' | 'listener'): Uint8Array {
  const suite = listeningSuite(66)
  const mallory = new Party(role === 'dialer' ? 'listener' : 'dialer', {
    suite,
    identity: identityOf(9),
  })
  const honest = new Party(role)
  const [dialer, listener] = role === 'dialer' ? [honest, mallory] : [mallory, honest]
  listener.session.receive(dialer.output())
  dialer.session.receive(listener.output())
  if (role === 'dialer') listener.session.receive(dialer.output())
  return (suite.texts[0] as Uint8Array).subarray(-64)
}

/** Names the key of `seed` and gives a signature that is there already. */
export function withSignature(seed: number, signature: Uint8Array): Identity {
  return { publicKey: identityOf(seed).publicKey, sign: () => signature.slice() }
}

/** One packet of v2 under a key, as the first or a later one. */
export function packet(key: Uint8Array, text: Uint8Array, before = 0): Uint8Array {
  const sealer = new Sealer({ suite: nodeSuite, v2: true, key: key.slice() })
  for (let i = 0; i < before; i++) sealer.seal([text], [])
  const out: Uint8Array[] = []
  sealer.seal([text], out)
  return join(out)
}

/** A message as packets hold it. */
export function message(seq: number, code: number, body: Uint8Array): Uint8Array {
  return new Writer()
    .u32(5 + body.length)
    .u32(seq)
    .u8(code)
    .bytes(body)
    .copy()
}
