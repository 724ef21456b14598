import { expect, test } from 'vitest'
import { Turn } from '../src/tcp/turn.ts'

/** A turn on a clock of its own, and one piece that takes so long, so long after the one before. */
function watched(): (takes: number, after?: number) => boolean {
  let time = 100
  const turn = new Turn(() => time)
  return (takes, after = 0) => {
    time += after
    turn.begin()
    time += takes
    return turn.isOver()
  }
}

test('is over after 4 ms of pieces that follow each other, and begins anew', () => {
  const piece = watched()
  for (let turns = 0; turns < 2; turns++) {
    expect([1, 1, 1, 1].map((takes) => piece(takes))).toEqual([false, false, false, true])
  }
  expect(piece(9)).toBe(true)
})

test('what came long ago does not count', () => {
  const piece = watched()
  expect([3, 3, 3].map((takes) => piece(takes, 0.3))).toEqual([false, false, false])
  expect(piece(1, 0.2)).toBe(true)
})
