import type { Writer } from '@flatend/wire'
import { RESET } from '../../src/index.ts'

export const REQUEST = 1
export const RESPONSE = 2
export const DATA = 3
export const RESET_STREAM = 5
export const WINDOW = 6
export const GOAWAY = 8
/** Names the connection in a WINDOW. */
export const CONNECTION = 0xffff_ffff

// What a peer says that does not use our code to say it.
export const request =
  (id: number, fields: readonly string[] = [], service = 'echo') =>
  (writer: Writer) => {
    writer.u32(id).u8(1).text8(service)
    writer.u16(fields.length / 2)
    for (let i = 0; i < fields.length; i += 2) {
      writer.text8(fields[i] as string).text16(fields[i + 1] as string)
    }
  }
export const response = (id: number) => (writer: Writer) => writer.u32(id).u8(1).u16(0)
export const data = (id: number, length: number) => (writer: Writer) =>
  writer.u32(id).lp16(new Uint8Array(length))
export const reset =
  (id: number, code: number = RESET.cancelled) =>
  (writer: Writer) =>
    writer.u32(id).u16(code).text16('')
export const window = (id: number, bytes: number) => (writer: Writer) => writer.u32(id).u32(bytes)
