import { homedir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { userFolder } from '../src/user-folder.ts'

vi.mock('node:os', () => ({ homedir: vi.fn<() => string>() }))

beforeEach(() => {
  vi.stubEnv('XDG_DATA_HOME', undefined)
  vi.stubEnv('XDG_STATE_HOME', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
})

test('what is kept is below the home, or where the environment says', () => {
  vi.mocked(homedir).mockReturnValue('/home/me')
  expect(userFolder('data')).toBe(join('/home/me/.local/share/flatend'))
  expect(userFolder('state')).toBe(join('/home/me/.local/state/flatend'))
  vi.stubEnv('XDG_DATA_HOME', '/var/lib')
  expect(userFolder('data')).toBe(join('/var/lib/flatend'))
})

test('a user without a home is no failure', () => {
  vi.mocked(homedir).mockImplementation(() => {
    throw new Error('uv_os_homedir returned ENOENT')
  })
  expect(userFolder('data')).toBe(join('/.local/share/flatend'))
})
