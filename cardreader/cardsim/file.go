package cardsim

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// fileImage is the chip's file. The PSC of a simulated card is no secret: whoever has the file has the card.
type fileImage struct {
	Chip       string `json:"chip"`
	Main       string `json:"main"`
	Protection string `json:"protection"`
	EC         byte   `json:"ec"`
	PSC        string `json:"psc"`
}

const chipName = "SLE4442"

// OpenFile opens the chip kept in a file, or makes one from fresh when there is no such file. Every command that
// changes the chip is written through before its answer, whole or not at all (temporary file and rename), so a process
// that is killed leaves the card as a real one would be. Two processes must not open the same file.
func OpenFile(path string, fresh Options) (*SLE4442, error) {
	c := &SLE4442{persist: func(im image) error { return writeImage(path, im) }}
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.im = fresh.image()
		return c, c.persist(c.im)
	case err != nil:
		return nil, fmt.Errorf("open card: %w", err)
	}
	if c.im, err = parseImage(raw); err != nil {
		return nil, fmt.Errorf("open card %s: %w", path, err)
	}
	return c, nil
}

func parseImage(raw []byte) (image, error) {
	var f fileImage
	var im image
	if err := json.Unmarshal(raw, &f); err != nil {
		return im, err
	}
	if f.Chip != chipName {
		return im, fmt.Errorf("chip %q, want %q", f.Chip, chipName)
	}
	if f.EC&^ecMask != 0 {
		return im, fmt.Errorf("error counter %#x has more than three bits", f.EC)
	}
	im.ec = f.EC
	return im, errors.Join(
		unhexInto(im.main[:], "main", f.Main),
		unhexInto(im.prot[:], "protection", f.Protection),
		unhexInto(im.psc[:], "psc", f.PSC))
}

func unhexInto(dst []byte, name, s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(dst) {
		return fmt.Errorf("%s: want %d bytes of hex", name, len(dst))
	}
	copy(dst, b)
	return nil
}

func writeImage(path string, im image) error {
	raw, err := json.MarshalIndent(fileImage{
		Chip: chipName, Main: hex.EncodeToString(im.main[:]), Protection: hex.EncodeToString(im.prot[:]),
		EC: im.ec, PSC: hex.EncodeToString(im.psc[:]),
	}, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(path, append(raw, '\n'))
}

// writeWhole replaces a file, or leaves it as it is.
func writeWhole(path string, raw []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write card: %w", err)
	}
	_, err = tmp.Write(raw)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return fmt.Errorf("write card: %w", err)
	}
	return nil
}
