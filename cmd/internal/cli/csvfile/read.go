package csvfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"unicode/utf8"
)

// Codes of what is wrong with a file as a whole.
const (
	CodeRead     = "read"
	CodeTooLarge = "too_large"
	CodeUTF8     = "not_utf8"
)

// Read reads a plain file of at most so many bytes; opening a pipe would wait for its
// other end. Its error is [Problems].
func Read(file string, most int64) ([]byte, error) {
	unreadable := func(err error) error {
		why := err.Error()
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			why = pe.Err.Error()
		}
		return Problems{{File: file, Code: CodeRead, Says: Sentence{"cannot read the file: %s", "无法读取文件：%s"}, Args: []any{why}}}
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return nil, unreadable(err)
	case !info.Mode().IsRegular():
		return nil, unreadable(errors.New("not a regular file"))
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadable(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case int64(len(data)) > most:
		return nil, Problems{{File: file, Code: CodeTooLarge, Says: Sentence{"the file is larger than %d bytes; split it", "文件超过 %d 字节；请拆分"}, Args: []any{most}}}
	}
	return data, nil
}

// Plain takes the byte order mark off; the error, [Problems], names the first line that is not UTF-8.
func Plain(file string, data []byte) ([]byte, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if utf8.Valid(data) {
		return data, nil
	}
	n := 0
	for row := range bytes.Lines(data) {
		if n++; !utf8.Valid(row) {
			break
		}
	}
	return nil, Problems{{File: file, Line: n, Code: CodeUTF8,
		Says: Sentence{`this is not UTF-8; save the file as "CSV UTF-8"`, "不是 UTF-8 编码；请将文件另存为“CSV UTF-8”"}}}
}
