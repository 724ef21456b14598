import { describe, expect, test } from 'vitest'
import { solveDynamic, solvesDynamic, solvesStatic, toHex } from '../src/index.ts'
import { nearId, randomId, seededRandom } from './support/ids.ts'
import { RecordMesh } from './support/record-mesh.ts'
import { hash, signerOf, verify } from './support/records.ts'

const random = seededRandom(11)

function payingKey(bits: number): Uint8Array {
  for (;;) {
    const key = randomId(random)
    if (solvesStatic(key, bits, hash)) return key
  }
}

describe('puzzles', () => {
  test('the static one is BLAKE2b twice, the dynamic one of key XOR x', () => {
    const key = payingKey(8)
    expect(hash(hash(key))[0]).toBe(0)
    const x = solveDynamic(key, 8, hash)
    expect(hash(key.map((byte, i) => byte ^ (x[i] as number)))[0]).toBe(0)
    expect(solvesDynamic(key, x, { bits: 8, hash })).toBe(true)
    expect(solvesDynamic(nearId(random, key, 40), x, { bits: 8, hash })).toBe(false)
    expect(solvesDynamic(key, undefined, { bits: 1, hash })).toBe(false)
    expect(solvesDynamic(key, x.subarray(1), { bits: 1, hash })).toBe(false)
    expect(solvesDynamic(key, undefined, { bits: 0, hash })).toBe(true)
    expect(() => solveDynamic(key, 25, hash)).toThrow(RangeError)
  })

  test('who has not paid for its id comes into no table and is told to nobody', async () => {
    const mesh = new RecordMesh(5)
    const node = (key: Uint8Array, first = false) =>
      mesh
        .node({
          key,
          seeds: first ? [] : ['10.0.0.1:9000'],
          records: { signer: signerOf(key), verify, hash, wallNow: () => mesh.clock.now() },
          puzzles: { static: 6 },
        })
        .start()
    const paying = [node(payingKey(6), true), node(payingKey(6)), node(payingKey(6))]
    let poor = randomId(random)
    while (solvesStatic(poor, 6, hash)) poor = randomId(random)
    const intruder = node(poor)
    await mesh.clock.advance(30_000)
    for (const one of paying) {
      const known = one.discovery.table.contacts().map(({ key }) => toHex(key))
      expect(known.toSorted()).toEqual(
        paying
          .filter((other) => other !== one)
          .map(({ key }) => toHex(key))
          .toSorted(),
      )
    }
    expect(intruder.discovery.table.size).toBe(3)
  })
})
