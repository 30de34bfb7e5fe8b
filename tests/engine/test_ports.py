"""Serial ports of a host that is a folder: `/dev`, `/sys` and udev's database are made by the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.ports import CONSOLE, NO_HARDWARE, PORTS_MOST, Places, Port, describe, find_ports, path_id, udev_properties

USB = "platform/soc/1c1d400.usb/usb2"


class Host:
    """A tree of the kind that a kernel and udev show."""

    def __init__(self, root: Path) -> None:
        self.places = Places(root / "dev", root / "sys", root / "udev")
        for folder in (self.places.dev, self.places.sys / "class/tty/console", self.places.udev):
            folder.mkdir(parents=True)

    def port(self, name: str, *, device: str = "platform/serial8250", uart: str = "", number: str = "4:64") -> None:
        (self.places.dev / name).touch()
        own = self.places.sys / "devices" / device
        entry = self.places.sys / "class/tty" / name
        own.mkdir(parents=True, exist_ok=True)
        entry.mkdir(parents=True)
        (entry / "device").symlink_to(own)
        (entry / "dev").write_text(f"{number}\n")
        if uart:
            (entry / "type").write_text(f"{uart}\n")

    def usb_port(self, name: str, socket: str, interface: str = "1.0", *, serial: str = "", minor: int = 0) -> None:
        whole = self.places.sys / "devices" / USB / socket
        whole.mkdir(parents=True, exist_ok=True)
        texts = {"idVendor": "1a86", "product": "USB2.0-Serial", **({"serial": serial} if serial else {})}
        for file, text in texts.items():
            (whole / file).write_text(f"{text}\n")
        self.port(name, device=f"{USB}/{socket}/{socket}:{interface}/{name}", number=f"188:{minor}")

    def link(self, name: str, target: str) -> None:
        path = self.places.dev / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(self.places.dev / target)

    def ports(self, *listed: str) -> tuple[tuple[Port, ...], dict[str, str]]:
        return find_ports(self.places, lambda: listed)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def paths(ports: tuple[Port, ...]) -> list[str]:
    return [port.path for port in ports]


# --- which there are


def test_ports_of_a_soc_are_found_by_name_and_in_order(host: Host) -> None:
    for name in ("ttyS10", "ttyS2", "ttyAMA0", "ttymxc1", "ttyO3", "ttyACM0", "ttyUSB0", "tty1", "null"):
        host.port(name)
    expected = ["ttyACM0", "ttyAMA0", "ttyO3", "ttyS2", "ttyS10", "ttyUSB0", "ttymxc1"]
    assert paths(host.ports()[0]) == [f"/dev/{name}" for name in expected]


def test_what_pyserial_lists_is_not_named_twice(host: Host) -> None:
    host.port("ttyUSB0")
    host.port("ttyXYZ7")
    assert paths(host.ports("/dev/ttyUSB0", "/dev/ttyXYZ7")[0]) == ["/dev/ttyUSB0", "/dev/ttyXYZ7"]


def test_a_port_with_several_names_is_one_port(host: Host) -> None:
    host.usb_port("ttyUSB0", "2-1")
    host.link("ttyUSB1000", "ttyUSB0")
    host.link("serial/by-id/usb-1a86_USB2.0-Serial-if00-port0", "ttyUSB0")
    assert paths(host.ports()[0]) == ["/dev/ttyUSB0"]
    assert host.places.resolve("/dev/ttyUSB1000") == "/dev/ttyUSB0"


def test_a_path_that_leads_nowhere_or_elsewhere_stays(host: Host, tmp_path: Path) -> None:
    (host.places.dev / "ttyUSB9").symlink_to(tmp_path / "elsewhere")
    assert host.places.resolve("/dev/ttyUSB9") == "/dev/ttyUSB9"
    assert host.places.resolve("/dev/ttyS5") == "/dev/ttyS5"


def test_a_uart_that_is_not_there_is_left_out(host: Host) -> None:
    host.port("ttyS0", uart="4")
    host.port("ttyS1", uart="0")
    ports, left_out = host.ports()
    assert paths(ports) == ["/dev/ttyS0"]
    assert left_out == {"/dev/ttyS1": NO_HARDWARE}


def test_the_console_of_the_system_is_left_out(host: Host) -> None:
    host.port("ttyS0", uart="4")
    (host.places.sys / "class/tty/console/active").write_text("tty0 ttyS0\n")
    assert host.ports() == ((), {"/dev/ttyS0": CONSOLE})


def test_the_number_of_ports_has_a_limit(host: Host) -> None:
    for number in range(PORTS_MOST + 2):
        host.port(f"ttyS{number}", uart="4")
    ports, left_out = host.ports()
    assert (len(ports), len(left_out)) == (PORTS_MOST, 2)


def test_a_host_without_ports_has_none(tmp_path: Path) -> None:
    nowhere = Places(tmp_path / "dev", tmp_path / "sys", tmp_path / "udev")
    assert find_ports(nowhere, lambda: ()) == ((), {})


# --- what sits on USB


def test_an_adapter_is_described_by_sysfs(host: Host) -> None:
    host.usb_port("ttyUSB0", "2-1", serial="A1")
    (port,), _ = host.ports()
    assert port.usb is not None
    assert (port.usb.id_path, port.usb.vendor_id) == ("platform-1c1d400.usb-usb-0:1:1.0", "1a86")
    assert (port.usb.model, port.usb.product, port.usb.serial) == ("USB2.0-Serial", "USB2.0-Serial", "A1")


def test_what_udev_knows_is_taken_before_what_sysfs_shows(host: Host) -> None:
    host.usb_port("ttyUSB0", "2-1", minor=7)
    text = "S:serial/by-id/x\nE:ID_PATH=platform-x-usb-0:1:1.0\nE:ID_MODEL=USB_Serial\nE:ID_VENDOR_ID=067b\nG:systemd\n"
    (host.places.udev / "c188:7").write_text(text)
    (port,), _ = host.ports()
    assert port.usb is not None
    assert (port.usb.id_path, port.usb.model, port.usb.vendor_id) == ("platform-x-usb-0:1:1.0", "USB_Serial", "067b")


def test_the_output_of_udevadm_is_read_like_the_database() -> None:
    assert udev_properties("P: /devices/x\nN: ttyUSB0\nE: ID_PATH=a-b=c\nE: DEVNAME=/dev/ttyUSB0\n") == {
        "ID_PATH": "a-b=c",
        "DEVNAME": "/dev/ttyUSB0",
    }


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("/sys/devices/platform/soc/1c1d400.usb/usb2/2-1/2-1:1.0/ttyUSB0", "platform-1c1d400.usb-usb-0:1:1.0"),
        ("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3/1-2.3:1.1/ttyUSB4", "pci-0000:00:14.0-usb-0:2.3:1.1"),
        ("/sys/devices/platform/serial8250/tty/ttyS0", ""),
    ],
)
def test_the_place_of_an_adapter_is_named_as_udev_names_it(device: str, expected: str) -> None:
    assert path_id(Path(device)) == expected


def test_a_port_on_the_board_is_not_on_usb(host: Host) -> None:
    host.port("ttyS0", uart="4")
    assert host.ports()[0] == (Port("/dev/ttyS0", "/dev/ttyS0"),)


def test_the_ports_of_one_adapter_are_known_as_such(host: Host) -> None:
    host.usb_port("ttyUSB0", "2-1", "1.0")
    host.usb_port("ttyUSB1", "2-1", "1.1", minor=1)
    host.usb_port("ttyUSB2", "2-2", "1.0", minor=2)
    first, second, third = (port.usb.device for port in host.ports()[0] if port.usb)
    assert first == second != third


# --- the path to write down


def test_an_adapter_with_a_name_of_its_own_is_written_by_it(host: Host) -> None:
    host.usb_port("ttyUSB0", "2-1", serial="A1")
    host.usb_port("ttyUSB1", "2-2", serial="B2", minor=1)
    host.link("serial/by-id/usb-1a86_A1-if00-port0", "ttyUSB0")
    host.link("serial/by-path/platform-usb-0:2:1.0-port0", "ttyUSB1")
    stable = [port.stable for port in host.ports()[0]]
    assert stable == ["/dev/serial/by-id/usb-1a86_A1-if00-port0", "/dev/serial/by-path/platform-usb-0:2:1.0-port0"]


def test_adapters_that_are_alike_are_written_by_their_place(host: Host) -> None:
    """Their name by id is one and the same, and leads to whichever came last."""
    host.usb_port("ttyUSB0", "2-1")
    host.usb_port("ttyUSB1", "2-2", minor=1)
    host.link("serial/by-id/usb-1a86_USB2.0-Serial-if00-port0", "ttyUSB1")
    host.link("serial/by-path/platform-usb-0:1:1.0-port0", "ttyUSB0")
    host.link("serial/by-path/platform-usb-0:2:1.0-port0", "ttyUSB1")
    stable = [port.stable for port in host.ports()[0]]
    assert stable == [f"/dev/serial/by-path/platform-usb-0:{socket}:1.0-port0" for socket in (1, 2)]


def test_two_ports_of_one_adapter_keep_its_name(host: Host) -> None:
    host.usb_port("ttyUSB0", "2-1", "1.0")
    host.usb_port("ttyUSB1", "2-1", "1.1", minor=1)
    host.link("serial/by-id/usb-1a86-if00-port0", "ttyUSB0")
    host.link("serial/by-id/usb-1a86-if01-port0", "ttyUSB1")
    assert [port.stable for port in host.ports()[0]] == [f"/dev/serial/by-id/usb-1a86-if0{n}-port0" for n in (0, 1)]


def test_ports_that_were_named_are_described_alike(host: Host) -> None:
    host.usb_port("ttyUSB0", "2-1")
    assert describe(host.places, ["/dev/ttyUSB0"]) == host.ports()[0]
    assert describe(host.places, ["/dev/pts/3"]) == (Port("/dev/pts/3", "/dev/pts/3"),)
