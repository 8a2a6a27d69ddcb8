package natsd

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
	"go.uber.org/zap"
)

// The record of a message in a block file of nats-server 2.x (server/filestore.go), little endian:
// total length (4; the top bit says that there are headers), sequence (8), timestamp (8), subject
// length (2), subject, [header length (4), headers,] message, hash (8).
const (
	recordHead = 22
	recordHash = 8
	hasHeaders = 1 << 31
	maxRecord  = maxPayload + 128<<10 // payload, headers and subject
)

// errTorn is an incomplete last record: a write that was interrupted.
var errTorn = errors.New("the last record is incomplete")

// verify reads every message block of the store and compares each record with its
// checksum, before the server may cut anything off.
func verify(dir string, log *zap.Logger) error {
	blocks, err := filepath.Glob(filepath.Join(streamsDir(dir), "*", "msgs", "*.blk"))
	if err != nil {
		return fmt.Errorf("list the blocks of the store %s: %w", dir, err)
	}
	for _, path := range blocks {
		switch err := verifyBlock(path); {
		case errors.Is(err, errTorn):
			log.Info("a write was interrupted when the process last ended; it was not acknowledged", zap.String("block", path))
		case err != nil:
			return damaged(dir, fmt.Errorf("block %s: %w", path, err))
		}
	}
	return nil
}

func verifyBlock(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h, err := blockHash(path)
	if err != nil {
		return err
	}
	r := bufio.NewReaderSize(f, 256<<10)
	for at := int64(0); ; {
		n, err := verifyRecord(r, h)
		if err == io.EOF {
			return nil
		}
		if errors.Is(err, errTorn) && followed(f, at, h) {
			err = errors.New("a record has a wrong length")
		}
		if err != nil {
			return fmt.Errorf("at byte %d: %w", at, err)
		}
		at += n
	}
}

// followed reports whether a sound record lies somewhere behind the one at at, which claims to reach
// beyond the end: then that one was not the last to be written.
func followed(f *os.File, at int64, h hash.Hash64) bool {
	rest, err := io.ReadAll(io.NewSectionReader(f, at, maxRecord))
	if err != nil {
		return false
	}
	r := bufio.NewReader(nil)
	for i := 1; i+recordHead+recordHash <= len(rest); i++ {
		if length := binary.LittleEndian.Uint32(rest[i:]) &^ hasHeaders; int64(length) > int64(len(rest)-i) {
			continue
		}
		r.Reset(bytes.NewReader(rest[i:]))
		if _, err := verifyRecord(r, h); err == nil {
			return true
		}
	}
	return false
}

// blockHash is the hash of a block's records; its key is made of stream and block number.
func blockHash(path string) (hash.Hash64, error) {
	number, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(path), ".blk"), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("its name is not <number>.blk: %w", err)
	}
	stream := filepath.Base(filepath.Dir(filepath.Dir(path)))
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, number))
	return highwayhash.New64(key[:])
}

// verifyRecord reads one record. It returns io.EOF at a clean end, and errTorn when the
// file ends inside the record.
func verifyRecord(r *bufio.Reader, h hash.Hash64) (int64, error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(r, head[:]); err == io.EOF {
		return 0, io.EOF
	} else if err != nil {
		return 0, torn(err)
	}
	length := binary.LittleEndian.Uint32(head[0:])
	skip := int(binary.LittleEndian.Uint16(head[20:])) // the subject; then, with headers, four bytes that are not hashed
	subject := skip
	if length&hasHeaders != 0 {
		length &^= hasHeaders
		skip += 4
	}
	if length < uint32(recordHead+skip+recordHash) || length > maxRecord {
		return 0, fmt.Errorf("a record has the impossible length %d", length)
	}
	data := make([]byte, length-recordHead)
	if _, err := io.ReadFull(r, data); err != nil {
		return 0, torn(err)
	}
	h.Reset()
	h.Write(head[4:20])
	h.Write(data[:subject])
	h.Write(data[skip : len(data)-recordHash])
	if !bytes.Equal(h.Sum(nil), data[len(data)-recordHash:]) {
		return 0, errors.New("a record does not match its checksum")
	}
	return int64(length), nil
}

func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

// streamsWithData names the streams that have messages on disk. A stream's folder
// without any is what a kill during the stream's creation leaves behind.
func streamsWithData(dir string) []string {
	blocks, _ := filepath.Glob(filepath.Join(streamsDir(dir), "*", "msgs", "*.blk")) // the pattern is valid
	var names []string
	for _, path := range blocks {
		name := filepath.Base(filepath.Dir(filepath.Dir(path)))
		if fi, err := os.Stat(path); err == nil && fi.Size() > 0 && (len(names) == 0 || names[len(names)-1] != name) {
			names = append(names, name)
		}
	}
	return names
}
