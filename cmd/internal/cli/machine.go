package cli

import (
	"errors"
	"io/fs"
	"syscall"
)

// Errors of the machine that come up through every layer: an address that is taken, a file that may not be used, a full
// disk. On Windows the first has a number of its own, WSAEADDRINUSE.
const addressInUse = syscall.Errno(10048)

// machine explains what this machine refused, and what to do about it; nil when it is something else. Whether a port may
// be used is told with the line, see linePort.
func (a *app) machine(err error) *failure {
	switch {
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, addressInUse):
		return &failure{ExitConfig, a.f("the address is taken (%v)", "地址已被占用（%v）", err),
			a.t("stop the program that has it (another tallyd, or the demo), or choose another address: listen under [http], --listen for the demo",
				"请停止占用它的程序（另一个 tallyd 或演示），或换一个地址：配置中 [http] 的 listen，演示用 --listen")}
	case diskIsFull(err):
		return &failure{ExitInternal, a.f("the disk is full (%v)", "磁盘已满（%v）", err),
			a.t("make room and try again; what is stored already is safe", "请清理磁盘后重试；已保存的数据完好")}
	case errors.Is(err, fs.ErrPermission):
		return &failure{ExitRefused, a.f("this user may not use the file or folder (%v)", "当前用户无权使用该文件或目录（%v）", err),
			a.t("run the command as the user of tallyd, or give that user the folder with everything in it", "请以 tallyd 的用户身份运行，或将该目录及其全部内容的所有权交给该用户")}
	case errors.Is(err, fs.ErrNotExist):
		return &failure{ExitRefused, a.f("there is no such file or folder (%v)", "文件或目录不存在（%v）", err), ""}
	}
	return nil
}

// linePort says what to do about a port that cannot be opened.
func (a *app) linePort(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return a.t("your user may not use the port: add it to the group that owns it (often dialout), log in again, or use sudo",
			"当前用户无权使用该串口：请将其加入串口所属的组（通常为 dialout）并重新登录，或使用 sudo")
	case errors.Is(err, fs.ErrNotExist):
		return a.t("tally line list shows the ports of this machine", "tally line list 可列出本机串口")
	}
	return ""
}
