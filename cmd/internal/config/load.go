package config

import (
	"io"
	"os"
	"path/filepath"
)

// Known lists the names that a config may use because the program has something for them. What is nil is not checked.
type Known struct {
	Models   []string          // meter models
	Speaks   map[string]string // the family of protocols of each model: "modbus", CJT188, DLT645, MBus
	Kinds    []string          // words for what a CJ/T 188 meter meters
	Kindless []string          // CJ/T 188 models that leave the kind to the config
	Profiles []string          // card profiles

	// ModelDir adds the models of an operator's folder to what is known; its error names the file and the place in it.
	ModelDir func(known Known, dir string) (Known, error)
	// ProfileDir names the card profiles of an operator's folder; its error names the file and the place in it.
	ProfileDir func(dir string) ([]string, error)
	// SigningKey refuses a file that holds no key which the centre could sign with.
	SigningKey func(file string) error
	// Address brings a meter's address of a protocol into the one form that it is compared in; false if it is none.
	Address func(protocol, address string) (canonical string, ok bool)
}

// Options is what loading depends on beside the file.
type Options struct {
	Known  Known
	Getenv func(string) string // os.Getenv when nil
}

// LoadNode reads the configuration of tallyd. Every mistake in the file is in the error, which is then [Problems].
func LoadNode(file string, o Options) (Node, error) {
	return load(file, o, (*document).node)
}

// LoadCentral reads the configuration of tally-central, as LoadNode does.
func LoadCentral(file string, o Options) (Central, error) {
	return load(file, o, (*document).central)
}

// parseNode is LoadNode for a text that is in memory; relative paths are relative to the folder of file.
func parseNode(file string, text []byte, o Options) (Node, error) {
	return parse(file, text, o, (*document).node)
}

func load[T any](file string, o Options, resolve func(*document, *table, Known) T) (zero T, err error) {
	text, problem := readFile(file)
	if problem != nil {
		return zero, Problems{*problem}
	}
	return parse(file, text, o, resolve)
}

func parse[T any](file string, text []byte, o Options, resolve func(*document, *table, Known) T) (zero T, err error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return zero, Problems{{File: file, Code: codeRead, args: []any{err.Error()}}}
	}
	getenv := o.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	d := &document{file: file, dir: dir, getenv: getenv}
	root := d.parse(text)
	if root == nil {
		return zero, d.result()
	}
	resolved := resolve(d, root, o.Known)
	if err := d.result(); err != nil {
		return zero, err
	}
	return resolved, nil
}

func readFile(file string) ([]byte, *Problem) {
	f, err := os.Open(file)
	if err != nil {
		return nil, &Problem{File: file, Code: codeRead, args: []any{reason(err)}}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, &Problem{File: file, Code: codeRead, args: []any{reason(err)}}
	}
	if len(text) > maxFile {
		return nil, &Problem{File: file, Code: codeTooLarge, args: []any{maxFile}}
	}
	return text, nil
}
