package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// packageSize is what a package takes in memory, in bytes.
const packageSize = 1 << 20

// configure configures the machine with all packages at once, each of which takes its memory meanwhile.
func configure(ctx context.Context, j job) (string, error) {
	w, err := ordered(j.input)
	if err != nil {
		return "", err
	}
	packages := make([][]byte, w.Packages)
	for i := range packages {
		packages[i] = unpacked(uint64(i))
	}
	sum := uint32(0)
	for _, p := range packages {
		sum = crc32.Update(sum, crc32.IEEETable, p)
	}
	m, err := j.cloud.put(ctx, "/machines/"+w.Token+"/configuration", map[string]int{"packages": w.Packages})
	return fmt.Sprintf("%s has %d packages, with the sum %08x", m.ID, w.Packages, sum), err
}

// unpacked is the content of a package.
func unpacked(number uint64) []byte {
	return bytes.Repeat(binary.LittleEndian.AppendUint64(nil, number), packageSize/8)
}
