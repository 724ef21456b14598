import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BodyQueue } from '../src/body-queue.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const ignore = (): void => undefined
const queueOf = (consumed: (count: number) => void, refused = ignore): BodyQueue =>
  new BodyQueue({ consumed, refused, threw: ignore })

describe('BodyQueue', () => {
  test('returns credit only for what the reader took', () => {
    let credit = 0
    const queue = queueOf((count) => {
      credit += count
    })
    queue.push(bytes('abc'))
    queue.push(bytes('de'))
    expect(credit).toBe(0)
    const seen: string[] = []
    queue.read((chunk) => {
      seen.push(String(chunk && Buffer.from(chunk)))
      return false
    })
    expect(seen).toEqual(['abc'])
    expect(credit).toBe(3)
  })

  test('collects whatever the pieces and the order of reading', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 20 })),
        fc.nat({ max: 20 }),
        async (chunks, before) => {
          let credit = 0
          const queue = queueOf((count) => {
            credit += count
          })
          for (const chunk of chunks.slice(0, before)) queue.push(chunk)
          const body = queue.collect(10_000)
          for (const chunk of chunks.slice(before)) queue.push(chunk)
          queue.close()
          expect(await body).toEqual(Buffer.concat(chunks))
          expect(credit).toBe(Buffer.concat(chunks).length)
        },
      ),
    )
  })

  test('a failed body is never shown as a whole', async () => {
    const queue = queueOf(ignore)
    queue.push(bytes('part'))
    const body = queue.collect(100)
    queue.fail(new Error('gone'))
    await expect(body).rejects.toThrow('gone')
    await expect(queue.collect(100)).rejects.toThrow('gone')
  })

  test('a body over the limit is refused and the rest discarded with its credit', async () => {
    for (const before of [0, 1, 2]) {
      let credit = 0
      let refused = 0
      const queue = queueOf(
        (count) => {
          credit += count
        },
        () => {
          refused++
        },
      )
      const chunks = [bytes('123'), bytes('45')]
      for (const chunk of chunks.slice(0, before)) queue.push(chunk)
      const body = queue.collect(4)
      for (const chunk of chunks.slice(before)) queue.push(chunk)
      await expect(body).rejects.toMatchObject({ code: 'FLATEND_NODE_BODY_LIMIT' })
      queue.push(bytes('678'))
      expect({ credit, refused }).toEqual({ credit: 8, refused: 1 })
    }
  })

  test('is read once', async () => {
    const queue = queueOf(ignore)
    const first = queue.collect(10)
    await expect(queue.collect(10)).rejects.toMatchObject({ code: 'FLATEND_NODE_BODY_USED' })
    queue.close()
    expect(await first).toEqual(Buffer.alloc(0))
  })
})
