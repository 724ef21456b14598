import { expect, test } from 'vitest'
import { curl, example } from '../support/example.ts'
import { eventually } from '../support/processes.ts'

interface Visit {
  readonly visits: number
  readonly process: string
}

const ROOMS = Array.from({ length: 12 }, (_, i) => `room-${i}`)

test('a room stays in one process, and moves only where that is gone', async () => {
  const counter = await example('keyed-counter')
  await counter.gateway()
  const processes = [1, 2, 3].map(() => counter.run('index.js'))
  for (const one of processes) await one.prints(/running/)
  const visit = async (room: string): Promise<Visit> => {
    const { status, body } = await curl(`${counter.url}/rooms/${room}`, '-X', 'POST')
    expect(status).toBe(200)
    return JSON.parse(body) as Visit
  }
  // The gateway has met all three.
  await eventually(async () => {
    const met = new Set<string>()
    for (const room of ROOMS) met.add((await visit(room)).process)
    return met.size === 3
  })
  const before = new Map<string, Visit>()
  for (const room of ROOMS) before.set(room, await visit(room))
  for (const room of ROOMS) {
    const { visits, process } = before.get(room) as Visit
    expect(await visit(room)).toMatchObject({ visits: visits + 1, process })
  }
  const [gone] = processes as [(typeof processes)[0]]
  const name = /running as (\w+)/.exec(gone.output)?.[1]
  await gone.stop()
  const after = await Promise.all(ROOMS.map(visit))
  const stays = (_: unknown, i: number): boolean => before.get(ROOMS[i] as string)?.process !== name
  const was = ROOMS.map((room) => before.get(room)?.process)
  expect(after.map(({ process }) => process).filter(stays)).toEqual(was.filter(stays))
  expect(after.map(({ process }) => process)).not.toContain(name)
  expect(after.filter((visitor, i) => !stays(visitor, i)).every(({ visits }) => visits === 1)).toBe(
    true,
  )
})
