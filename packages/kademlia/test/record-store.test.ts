import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ProviderRecord, type SignedRecord, signRecord } from '../src/record.ts'
import { PUT_STATUS, RecordStore, type RecordStoreLimits } from '../src/record-store.ts'
import { randomId, seededRandom } from './support/ids.ts'
import { NaiveStore } from './support/naive-store.ts'
import { recordOf, signerOf, verify } from './support/records.ts'

const START = 1_000_000
const random = seededRandom(5)
const KEYS = Array.from({ length: 4 }, () => randomId(random))
const PROVIDERS = Array.from({ length: 4 }, () => randomId(random))

const signed = (parts: Partial<ProviderRecord> = {}): SignedRecord => {
  const record = recordOf(random, { key: KEYS[0] as Uint8Array, issued: START, ...parts })
  return signRecord(record, signerOf(record.publicKey))
}

const storeOf = (limits: Partial<RecordStoreLimits> = {}): RecordStore =>
  new RecordStore({ verify, random: seededRandom(1), limits })

const step = fc.record({
  // A store that is full is swept once a second: within one, it may say so for too long.
  wait: fc.oneof(fc.constant(0), fc.integer({ min: 1_000, max: 60_000 }), fc.constant(2_000_000)),
  key: fc.nat(KEYS.length - 1),
  provider: fc.nat(PROVIDERS.length - 1),
  seq: fc.nat(4),
  age: fc.integer({ min: -70_000, max: 200_000 }),
  ttl: fc.constantFrom(0, 10, 30, 60, 900, 3_600, 100_000),
  tombstone: fc.boolean(),
  forged: fc.boolean(),
  weight: fc.nat(1),
  cacheMs: fc.option(fc.nat(60_000), { nil: undefined }),
  after: fc.constantFrom('nothing', 'hide', 'sweep'),
})

describe('a store', () => {
  test('does over any history what the rules say', () => {
    const limits = { recordsPerKey: 3, records: 8, keysPerProvider: 3 }
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const store = storeOf(limits)
        const naive = new NaiveStore(limits)
        let now = START
        for (const { wait, key, provider, age, forged, cacheMs, after, ...parts } of steps) {
          now += wait
          const one = signed({
            ...parts,
            key: KEYS[key] as Uint8Array,
            publicKey: PROVIDERS[provider] as Uint8Array,
            seq: BigInt(parts.seq),
            issued: now - age,
          })
          if (forged) one.bytes[one.bytes.length - 1] = (one.bytes.at(-1) as number) ^ 1
          const options = { now, ...(cacheMs === undefined ? {} : { cacheMs }) }
          const { status, seconds } = store.put(one, options)
          expect(status).toBe(naive.put(one, options))
          const mayTell = status === PUT_STATUS.full || status === PUT_STATUS.stored
          expect(mayTell || seconds === 0).toBe(true)
          expect(status === PUT_STATUS.full && seconds === 0).toBe(false)
          if (after === 'hide') {
            store.hide(one.key, one.publicKey)
            naive.hide(one)
          } else if (after === 'sweep') store.sweep(now)
          expect(after !== 'sweep' || store.size === naive.size(now)).toBe(true)
          for (const each of KEYS) {
            const { total, records } = store.get(each, 20, now)
            const told = records.map(({ bytes }) => Buffer.from(bytes).toString('hex')).toSorted()
            expect(told).toEqual(naive.get(each, now))
            expect(total).toBe(told.length)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('keeps 256 records of a key, and says when there is room again', () => {
    const store = storeOf()
    for (let i = 0; i < 256; i++) {
      const one = signed({ ttl: i === 7 ? 40 : 900 })
      expect(store.put(one, { now: START }).status).toBe(PUT_STATUS.stored)
    }
    const late = signed()
    expect(store.put(late, { now: START })).toEqual({ status: PUT_STATUS.full, seconds: 40 })
    expect(store.put(late, { now: START + 39_999 }).status).toBe(PUT_STATUS.full)
    expect(store.put(late, { now: START + 41_000 }).status).toBe(PUT_STATUS.stored)
    expect(store.size).toBe(256)
  })

  test('keeps 64 keys of a provider', () => {
    const store = storeOf()
    const [publicKey] = PROVIDERS as [Uint8Array]
    const statuses = Array.from({ length: 66 }, () => {
      const one = signed({ key: randomId(random), publicKey })
      return store.put(one, { now: START }).status
    })
    expect(statuses).toEqual([...Array(64).fill(PUT_STATUS.stored), 1, 1])
    expect(store.put(signed(), { now: START }).status).toBe(PUT_STATUS.stored)
  })

  test('keeps 65,536 records in all, and is swept at most once a second', () => {
    const store = storeOf({ records: 1_000 })
    for (let i = 0; i < 1_000; i++) {
      store.put(signed({ key: randomId(random), ttl: 100 }), { now: START })
    }
    const one = signed({ key: randomId(random), issued: START + 50_000 })
    expect(store.put(one, { now: START })).toEqual({ status: PUT_STATUS.full, seconds: 60 })
    expect(store.put(one, { now: START + 100_000 }).status).toBe(PUT_STATUS.stored)
    expect(store.size).toBe(1)
  })

  test('returns at most 20 at random, each as often as any other', () => {
    const store = storeOf()
    const all = Array.from({ length: 60 }, () => signed())
    for (const one of all) store.put(one, { now: START })
    const counts = new Map<string, number>()
    for (let i = 0; i < 600; i++) {
      const { total, records } = store.get(KEYS[0] as Uint8Array, 99, START)
      expect([total, records.length]).toEqual([60, 20])
      expect(new Set(records).size).toBe(20)
      for (const { publicKey } of records) {
        const name = Buffer.from(publicKey).toString('hex')
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
    }
    // 200 each, with a deviation of 11.5.
    expect(counts.size).toBe(60)
    for (const count of counts.values()) expect(Math.abs(count - 200)).toBeLessThan(58)
    expect(store.get(KEYS[0] as Uint8Array, 3, START).records).toHaveLength(3)
  })

  test('a tombstone keeps what it killed from coming back', () => {
    const store = storeOf()
    const [publicKey] = PROVIDERS as [Uint8Array]
    const old = signed({ publicKey, ttl: 3_600 })
    store.put(old, { now: START })
    const end = signed({ publicKey, seq: 2n, ttl: 30, tombstone: true })
    expect(store.put(end, { now: START }).news?.tombstone).toBe(true)
    for (const now of [START + 1_000, START + 31_000, START + 3_599_000]) {
      expect(store.put(old, { now }).status).toBe(PUT_STATUS.seqTooLow)
      expect(store.get(KEYS[0] as Uint8Array, 20, now).total).toBe(0)
    }
    const now = START + 3_600_000
    expect(store.put(old, { now }).status).toBe(PUT_STATUS.expired)
    store.sweep(now)
    expect(store.size).toBe(0)
  })

  test('a copy left by somebody else goes early, unless its provider brings it too', () => {
    const store = storeOf()
    const one = signed()
    const key = KEYS[0] as Uint8Array
    expect(store.put(one, { now: START, cacheMs: 30_000 }).seconds).toBe(30)
    expect(store.get(key, 20, START + 29_999).total).toBe(1)
    expect(store.get(key, 20, START + 30_000).total).toBe(0)
    store.put(one, { now: START + 40_000 })
    expect(store.put(one, { now: START + 40_000, cacheMs: 1_000 }).seconds).toBe(860)
  })

  test('who does not answer is told no more until it speaks again itself', () => {
    const store = storeOf()
    const [publicKey] = PROVIDERS as [Uint8Array]
    const key = KEYS[0] as Uint8Array
    const one = signed({ publicKey })
    store.put(one, { now: START })
    store.hide(key, publicKey)
    expect(store.find(key, publicKey, START)).toBeUndefined()
    expect(store.put(one, { now: START, cacheMs: 60_000 }).news).toBeUndefined()
    expect(store.get(key, 20, START).total).toBe(0)
    expect(store.put(one, { now: START }).news).toBeDefined()
    expect(store.find(key, publicKey, START)?.bytes).toEqual(one.bytes)
  })
})
