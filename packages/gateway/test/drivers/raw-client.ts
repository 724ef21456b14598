export {
  headerOf,
  RawClient,
  type RawOptions,
  type RawResponse,
} from '../../src/driver-contract/raw-client.ts'
