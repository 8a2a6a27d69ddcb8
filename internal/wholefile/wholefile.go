// Package wholefile writes files that are there whole or not at all, and that only their
// owner reads: what Gatewarden keeps tells where the doors are.
//
// A file is written beside the one that it is to be, brought to the disk, and renamed; then
// its folder is brought to the disk too. Whoever reads the name at any time, also after the
// machine went down, finds the former file or the new one. A process that dies in between
// leaves a file whose name begins with a dot.
//
// A name that leads elsewhere is followed: the file behind a link is the one that is
// replaced. What is no file (a pipe, a device such as /dev/stdout) is written to as it is:
// nothing is ever put in its place.
package wholefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write has write fill a file, and gives it the name once that went well. An error of write
// is given back as it is.
func Write(name string, write func(*os.File) error) error {
	name, file, err := behind(name)
	if err != nil {
		return err
	}
	if !file {
		return through(name, write)
	}
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, "."+filepath.Base(name)+".*") // 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = write(f)
	if err == nil {
		err = said(name, f.Sync())
	}
	if closing := f.Close(); err == nil {
		err = said(name, closing)
	}
	if err == nil {
		err = said(name, os.Rename(f.Name(), name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return said(name, syncFolder(dir))
}

// behind is what a name leads to, and whether a file is or may be there.
func behind(name string) (string, bool, error) {
	at, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, linked := os.Lstat(name); linked == nil {
			return "", false, fmt.Errorf("write %s: it is a link to what is not there: give the name of the file", name)
		}
		return name, true, nil
	case err != nil:
		return "", false, fmt.Errorf("write %s: %w", name, err)
	case !at.Mode().IsRegular():
		return name, false, nil
	}
	to, err := filepath.EvalSymlinks(name)
	return to, true, said(name, err)
}

// through writes to what is no file.
func through(name string, write func(*os.File) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err = write(f)
	if closing := f.Close(); err == nil {
		err = said(name, closing)
	}
	return err
}

func said(name string, err error) error {
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closing := d.Close(); err == nil {
		err = closing
	}
	return err
}
