package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// reason is the cause of a file error without the path, which the problem names already.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// resolve makes a path from the file absolute; a relative one starts at the config file's folder.
func (d *document) resolve(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.dir, path)
}

// abs is a path, resolved; "" when it is not there.
func (t *table) abs(key string) string { return t.doc.resolve(t.text(key, "")) }

// file is the path of a file that can be read; private means that its content is secret.
func (t *table) file(key string, private bool) string {
	path := t.abs(key)
	if path == "" {
		return ""
	}
	if !t.regular(key, codeFile, path) {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		t.bad(key, codeFile, path+": "+reason(err))
		return ""
	}
	defer f.Close()
	if private && !t.private(key, path, f) {
		return ""
	}
	return path
}

// regular refuses what is no plain file before it is opened: opening a pipe would wait for its other end.
func (t *table) regular(key, code, path string) bool {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		t.bad(key, code, path+": not a regular file")
		return false
	}
	return true
}

// private checks that not everybody may read a file with a secret. Windows keeps access in lists
// that a mode does not show; there the folder's access decides.
func (t *table) private(key, path string, f *os.File) bool {
	info, err := f.Stat()
	switch {
	case err != nil:
		t.bad(key, codeSecretRead, reason(err))
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0:
		t.bad(key, codeSecretOpen, path, fmt.Sprintf("%04o", info.Mode().Perm()), path)
	default:
		return true
	}
	return false
}

// maxSecret bounds the content of a secret file.
const maxSecret = 4096

// secret is the value of the file that key_file names, or of the environment variable that key_env names. Its content
// never gets into a problem.
func (t *table) secret(key string) Secret {
	fileKey, envKey := key+"_file", key+"_env"
	path, env := t.abs(fileKey), t.text(envKey, "")
	switch {
	case path != "" && env != "":
		t.bad(envKey, codeBothSecrets, fileKey)
	case path != "":
		return t.secretFile(fileKey, path)
	case env != "":
		return t.secretEnv(envKey, env)
	}
	return Secret{}
}

func (t *table) secretFile(key, path string) Secret {
	if !t.regular(key, codeSecretRead, path) {
		return Secret{}
	}
	f, err := os.Open(path)
	if err != nil {
		t.bad(key, codeSecretRead, path+": "+reason(err))
		return Secret{}
	}
	defer f.Close()
	if !t.private(key, path, f) {
		return Secret{}
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+2))
	if err != nil {
		t.bad(key, codeSecretRead, path+": "+reason(err))
		return Secret{}
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	return t.secretValue(key, line)
}

func (t *table) secretEnv(key, env string) Secret {
	if !isEnvName(env) {
		t.bad(key, codeEnvName) // what stands there may be the secret itself
		return Secret{}
	}
	value := t.doc.getenv(env)
	if value == "" {
		t.bad(key, codeEnvUnset, env)
		return Secret{}
	}
	return t.secretValue(key, value)
}

func isEnvName(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && (s[0] < '0' || s[0] > '9')
}

func (t *table) secretValue(key, value string) Secret {
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if value == "" || len(value) > maxSecret || strings.ContainsFunc(value, control) {
		t.bad(key, codeSecretBad)
		return Secret{}
	}
	return NewSecret(value)
}
