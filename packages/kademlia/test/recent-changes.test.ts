import { expect, test } from 'vitest'
import { RecentChanges } from '../src/recent-changes.ts'

test('what changed is told for a minute, from its last change on, and then forgotten', () => {
  const changes = new RecentChanges()
  changes.add('a', 0)
  changes.add('b', 30_000)
  changes.add('a', 40_000)
  expect(changes.names(60_000)).toEqual(['b', 'a'])
  expect(changes.names(90_001)).toEqual(['a'])
  expect(changes.names(100_001)).toEqual([])
})

test('names that come once and go do not gather', () => {
  const changes = new RecentChanges()
  for (let i = 0; i < 100_000; i++) changes.add(`job-${i}`, i * 100)
  expect(changes.names(100_000 * 100).length).toBeLessThanOrEqual(601)
})
