// Package wholefile writes files that are there whole or not at all, and that only their
// owner reads: what Gatewarden keeps tells where the doors are.
//
// A file is written beside the one that it is to be, brought to the disk, and renamed; then
// its folder is brought to the disk too. Whoever reads the name at any time, also after the
// machine went down, finds the former file or the new one. A process that dies in between
// leaves a file whose name begins with a dot.
package wholefile

import (
	"fmt"
	"os"
	"path/filepath"
)

// Write has write fill a file, and gives it the name once that went well. An error of write
// is given back as it is.
func Write(name string, write func(*os.File) error) error {
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
