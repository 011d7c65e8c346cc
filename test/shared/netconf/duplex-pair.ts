import { Duplex } from 'node:stream';

/** Cuts what is written into the segments in which it arrives. */
export type Segmentation = (bytes: Buffer) => Iterable<Buffer>;

/** Two duplexes in memory, each giving what is written to the other; they honour backpressure. */
export function duplexPair(segments: Segmentation = (bytes) => [bytes]): [Duplex, Duplex] {
  const left = createEnd();
  const right = createEnd();
  left.peer = right;
  right.peer = left;
  return [left.stream, right.stream];

  interface End {
    stream: Duplex;
    peer?: End;
    ended: boolean;
    release: () => void;
  }

  function createEnd(): End {
    const end: End = { stream: new Duplex(), ended: false, release: () => undefined };
    const endOfPeer = () => {
      if (end.peer === undefined || end.peer.ended || end.peer.stream.destroyed) return;
      end.peer.ended = true;
      end.peer.stream.push(null);
    };
    end.stream = new Duplex({
      read: () => end.peer?.release(),
      write(bytes: Buffer, _encoding, done) {
        const { peer } = end;
        if (peer === undefined || peer.stream.destroyed) return done();
        let room = true;
        for (const segment of segments(bytes)) room = peer.stream.push(segment);
        if (room) return done();
        end.release = () => {
          end.release = () => undefined;
          done();
        };
      },
      final(done) {
        endOfPeer();
        done();
      },
      destroy(error, done) {
        endOfPeer();
        end.peer?.release();
        done(error);
      },
    });
    return end;
  }
}
